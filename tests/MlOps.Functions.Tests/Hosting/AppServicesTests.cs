using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MlOps.Functions.Hosting;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Tracking;
using MlOps.Samples.Extensions;
using MlOps.Web;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace MlOps.Functions.Tests.Hosting;

public sealed class AppServicesTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_added_before_or_after_the_apps_own_services_is_there(bool before)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true" }).Build();
        var services = new ServiceCollection().AddLogging();
        if (before)
        {
            Add(services);
        }
        services.AddMlOpsApp(configuration);
        if (!before)
        {
            Add(services);
        }

        await using var app = services.BuildServiceProvider();

        app.GetRequiredService<KnownExtensions>().Functions.Should().Equal(new KnownFunction("twice", 1));
        app.GetRequiredService<AlertSender>().New(AlertKind.RunFailed, "t", []).Deliveries.Select(delivery => delivery.Channel).Should()
            .BeEquivalentTo("slack", "nobody");
    }

    /// <summary>The line of the program that docs/extending.md shows.</summary>
    [Fact]
    public async Task A_trainer_is_added_in_a_line_of_the_program()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true" });

        builder.Services.AddMlOpsApp(builder.Configuration).AddMlOps(add => add.AddTrainer<AdditiveModel>());

        await using var app = builder.Services.BuildServiceProvider();
        app.GetRequiredService<KnownExtensions>().Trainers.Select(trainer => trainer.Name).Should().Contain("gam");
    }

    [Fact]
    public async Task Limits_are_those_of_the_settings()
    {
        await using var app = new ServiceCollection().AddLogging().AddMlOpsApp(Configuration("2048")).BuildServiceProvider();

        app.GetRequiredService<InputLimits>().Should().Be(new InputLimits { JsonBytes = 2048 });
        FluentActions.Invoking(() => new ServiceCollection().AddMlOpsApp(Configuration("many")))
            .Should().Throw<InputException>().WithMessage("*Limits__JsonBytes*");

        static IConfiguration Configuration(string limit) => new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true", ["Limits:JsonBytes"] = limit }).Build();
    }

    /// <summary>The platform breaks off bodies at 100 MiB, and ends an instance that is scaled in after 60 minutes.</summary>
    [Fact]
    public async Task Uploads_and_trainings_end_before_the_platform_ends_them()
    {
        await using var app = App();
        await using var declared = App(("Pipeline:MostTrainingMinutes", "20"));

        app.GetRequiredService<UploadOptions>().MaxPutBytes.Should().Be(64 * 1024 * 1024);
        app.GetRequiredService<PipelineOptions>().MostTrainingMinutes.Should().Be(8, "the platform gives 10 when it is updated, and 60 when it scales in");
        declared.GetRequiredService<PipelineOptions>().MostTrainingMinutes.Should().Be(20);
    }

    /// <summary>The alert on failed runs reads the log in Application Insights: all of it has to get there, in words and not as templates.</summary>
    [Fact]
    public async Task What_goes_to_application_insights_keeps_every_line_of_the_log()
    {
        await using var app = App(
            ("APPLICATIONINSIGHTS_CONNECTION_STRING", $"InstrumentationKey={Guid.Empty};IngestionEndpoint=http://127.0.0.1:9/"),
            ("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "ClientId=1234;Authorization=AAD"));

        var exporter = app.GetRequiredService<IOptionsMonitor<AzureMonitorExporterOptions>>().CurrentValue;

        exporter.EnableTraceBasedLogsSampler.Should().BeFalse();
        exporter.Credential.Should().BeOfType<ManagedIdentityCredential>();
        app.GetRequiredService<IOptionsMonitor<OpenTelemetryLoggerOptions>>().CurrentValue.IncludeFormattedMessage.Should().BeTrue();
        (TelemetryExport.ClientIdOf("Authorization=AAD; ClientId=1234"), TelemetryExport.ClientIdOf("Authorization=AAD")).Should().Be(("1234", null));
    }

    /// <summary>The levels of host.json are not asked for what the worker sends by itself.</summary>
    [Fact]
    public async Task What_the_worker_sends_by_itself_has_no_line_for_each_request_to_storage()
    {
        await using var app = App(("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        var loggers = app.GetRequiredService<ILoggerFactory>();

        new[] { "Azure.Core", "Microsoft.AspNetCore.Hosting.Diagnostics", "System.Net.Http.HttpClient.Default", "MlOps.Pipeline.Orchestration.StageRunner" }
            .Select(category => loggers.CreateLogger(category).IsEnabled(LogLevel.Information)).Should().Equal(false, false, false, true);
    }

    [Fact]
    public async Task Without_a_receiver_nothing_of_telemetry_is_loaded()
    {
        await using var app = App();

        app.GetService<TracerProvider>().Should().BeNull();
    }

    private static ServiceProvider App(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(setting => setting.Name, setting => (string?)setting.Value)
            .Append(new("AzureWebJobsStorage", "UseDevelopmentStorage=true"))).Build();
        return new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddLogging().AddMlOpsApp(configuration).BuildServiceProvider();
    }

    private static void Add(IServiceCollection services) => services.AddMlOps(add => add.AddFeatureFunction<Twice>().AddAlert<Nobody>());

    private sealed class Twice : IFeatureFunction
    {
        public string Name => "twice";

        public int Inputs => 1;

        public double Evaluate(ReadOnlySpan<double> inputs) => 2 * inputs[0];
    }

    private sealed class Nobody : IAlertChannel
    {
        public string Name => "nobody";

        public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel) => Task.FromResult<string?>("Nobody is there.");
    }
}
