using Azure.Core.Serialization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Durable;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Serving;
using MlOps.Serving.Triggers;
using MlOps.Web;
using MlOps.Web.Access;
using MlOps.Web.Answers;

namespace MlOps.Functions.Hosting;

/// <summary>Puts the app together from its settings.</summary>
internal static class AppServices
{
    /// <summary>All that the functions need. What acts on runs is made for each call: see <see cref="DurableCall"/>.</summary>
    public static IServiceCollection AddMlOpsApp(this IServiceCollection services, IConfiguration configuration)
    {
        services
            .AddSingleton(AccessSettings.Read(configuration))
            .AddSingleton(AlertSettings.Read(configuration, BaseUrl(configuration)))
            .AddSingleton(OpenLineageSettings.Read(configuration))
            .AddSingleton(RetentionOptions.Read(configuration))
            .AddSingleton(UploadOptions.Read(configuration) with { MaxPutBytes = MostBodyBytes })
            .AddMlOpsPipeline()
            .RemoveAll<RunStarter>()
            .RemoveAll<CanaryStarter>()
            .RemoveAll<ScoreStarter>()
            .RemoveAll<RunDecisions>()
            .AddSingleton(_ => StorageConnection.Connect(configuration))
            .AddSingleton(Options(configuration))
            .AddMlOpsServing()
            .AddPredictionLog()
            // A stream would hold one of the few calls that an instance has at a time, and be paid for, as long as somebody looks.
            .AddSingleton(new WebOptions { HasEvents = false })
            .AddMlOpsWeb()
            .AddOpenTelemetryExport(configuration)
            // Each line goes to the Functions host, whose log levels come after that: routing alone would tell it two of each prediction.
            .AddLogging(logging => logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning));
        services.Configure<WorkerOptions>(worker => worker.Serializer = new JsonObjectSerializer(Json.Options));
        // The host limits bodies, and so do the routes: what they let through is let through here.
        services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        return services
            .AddSingleton<ScheduleMarks>()
            .AddLogCare()
            .AddSingleton<IndexTrigger>()
            .AddSingleton<RetentionTrigger>()
            .AddSingleton<TrafficLooks>()
            .AddSingleton<StageCalls>()
            .AddScoped<DurableCall>()
            // The client is the host's: were it a service itself, it would be disposed of with the call.
            .AddScoped<IPipelineEngine>(call => ActivatorUtilities.CreateInstance<DurableEngine>(call, call.GetRequiredService<DurableCall>().Client))
            .AddScoped(call => ActivatorUtilities.CreateInstance<RunRecovery>(call, call.GetRequiredService<DurableCall>().Client))
            .AddScoped<RunStarter>()
            .AddScoped<CanaryStarter>()
            .AddScoped<ScoreStarter>()
            .AddScoped<RunDecisions>()
            .AddScoped<RawFileIntake>()
            .AddScoped<ScheduleTrigger>()
            .AddScoped<SelfStartedRuns>()
            .AddScoped<LiveDriftTrigger>()
            .AddScoped<RowsTrigger>()
            .AddScoped<TrafficTrigger>()
            .AddHostedService<StorageSetup>();
    }

    /// <summary>
    /// An instance has 10 minutes to end what it is at when the platform is updated, and 60 (<c>functionTimeout</c>) when it is scaled in
    /// (https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout); reading the rows and measuring the model take some of them.
    /// </summary>
    private const double MostTrainingMinutes = 8;

    /// <summary>
    /// The Functions host holds bodies in memory, and breaks off itself at 100 MiB (<c>FUNCTIONS_REQUEST_BODY_SIZE_LIMIT</c>) without a word: we are told
    /// of less, and say what to do.
    /// </summary>
    private const long MostBodyBytes = 64 * 1024 * 1024;

    private static PipelineOptions Options(IConfiguration configuration)
    {
        var section = configuration.GetSection("Pipeline");
        var options =
            new PipelineOptions { WorkFolder = section["WorkFolder"] is { Length: > 0 } folder ? folder : Path.Combine(Path.GetTempPath(), "mlops-work") };
        return options with
        {
            DuckDbMemoryMb = section.GetValue("DuckDbMemoryMb", options.DuckDbMemoryMb),
            RowsPerPart = section.GetValue("RowsPerPart", options.RowsPerPart),
            Threads = section.GetValue("Threads", options.Threads),
            PartCacheMb = section.GetValue("PartCacheMb", options.PartCacheMb),
            Limits = InputLimits.Read(configuration),
            MostTrainings = section.GetValue("MostTrainings", options.MostTrainings),
            MostTrainingsTogether = section.GetValue("MostTrainingsTogether", options.MostTrainingsTogether),
            MostTrainingMinutes = section.GetValue("MostTrainingMinutes", MostTrainingMinutes),
        };
    }

    private static Uri BaseUrl(IConfiguration configuration) =>
        configuration["WEBSITE_HOSTNAME"] is { Length: > 0 } host && !host.Contains(':')
            ? new Uri($"https://{host}")
            : new Uri("http://127.0.0.1:7071");
}
