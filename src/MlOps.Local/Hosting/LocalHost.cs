using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using MlOps.Local.Engine;
using MlOps.Local.Storage;
using MlOps.Local.Triggers;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Serving;
using MlOps.Serving.Triggers;
using MlOps.Web;
using MlOps.Web.Access;

namespace MlOps.Local.Hosting;

/// <summary>What of a host a command needs.</summary>
[Flags]
public enum HostParts
{
    /// <summary>The services only: storage, definitions, runs, registry.</summary>
    None = 0,
    /// <summary>Works on runs.</summary>
    Engine = 1,
    /// <summary>Starts runs on new files and schedules, and checks live rows.</summary>
    Triggers = 2,
    /// <summary>Serves over HTTP.</summary>
    Web = 4,
    All = Engine | Triggers | Web,
}

/// <summary>The pipeline, serving and, as asked for, engine, triggers and HTTP in this process.</summary>
public sealed class LocalHost : IAsyncDisposable
{
    private readonly IHost host;

    private LocalHost(IHost host) => this.host = host;

    public IServiceProvider Services => host.Services;

    /// <summary>Where it serves, such as <c>http://127.0.0.1:7071/</c>; null without HTTP.</summary>
    public Uri? Url { get; private init; }

    /// <summary>What opens it for the commands of this machine; null when nothing is needed.</summary>
    public string? MachineKey => host.Services.GetService<AccessOptions>()?.MachineKey;

    /// <exception cref="EnvironmentProblemException">The port cannot be used.</exception>
    public static async Task<LocalHost> StartAsync(HostSettings settings, LocalStorage storage, HostParts parts, CancellationToken cancel)
    {
        var host = parts.HasFlag(HostParts.Web) ? BuildWeb(settings, storage, parts) : BuildPlain(settings, storage, parts);
        try
        {
            if (parts.HasFlag(HostParts.Web))
            {
                await host.Services.GetRequiredService<HostAccess>().CheckAsync(cancel);
            }
            if (!settings.ServeOnly)
            {
                await host.Services.GetRequiredService<IndexRepair>().EnsureAsync(cancel);
            }
            await host.StartAsync(cancel);
            return new LocalHost(host) { Url = parts.HasFlag(HostParts.Web) ? UrlOf(host) : null };
        }
        catch (Exception fault)
        {
            await StopAsync(host);
            if (fault is IOException { InnerException: AddressInUseException } or SocketException)
            {
                throw ProblemOf(settings.Port, fault);
            }
            throw;
        }
    }

    /// <summary>Says at once, before anything is started, that a port is taken.</summary>
    /// <exception cref="EnvironmentProblemException">The port cannot be used.</exception>
    public static void CheckPort(IPAddress listen, int port)
    {
        try
        {
            using var probe = new TcpListener(listen, port);
            probe.Start();
        }
        catch (SocketException taken)
        {
            throw ProblemOf(port, taken);
        }
    }

    public ValueTask DisposeAsync() => new(StopAsync(host));

    /// <summary>Stops answering at once. Nothing is waited for: its storage is gone, and what is unfinished goes on at the next start.</summary>
    public async ValueTask AbandonAsync()
    {
        try
        {
            await host.StopAsync(new CancellationToken(canceled: true));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static IHost BuildWeb(HostSettings settings, LocalStorage storage, HostParts parts)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, "");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(settings.Listen, settings.Port));
        Configure(builder, settings, storage, parts);
        builder.Services.AddSingleton(HostAccess.Options(settings, builder.Configuration)).AddSingleton<HostAccess>().AddMlOpsWeb().AddPredictionLog()
            .AddReproducer();
        var app = builder.Build();
        if (settings.ServeOnly)
        {
            app.UseServeOnly();
        }
        app.UseMlOpsWeb();
        return app;
    }

    private static IHost BuildPlain(HostSettings settings, LocalStorage storage, HostParts parts)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        Configure(builder, settings, storage, parts);
        return builder.Build();
    }

    private static void Configure(IHostApplicationBuilder builder, HostSettings settings, LocalStorage storage, HostParts parts)
    {
        var level = settings.Verbose ? LogLevel.Information : LogLevel.Warning;
        builder.Logging.ClearProviders()
            .SetMinimumLevel(level)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Azure", LogLevel.Warning)
            // That what signs cookies stands unencrypted in storage is said in SECURITY.md, not at each first sign-in.
            .AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error)
            .AddFilter(typeof(StageRunner).FullName, ShowsFailures(settings, parts) ? LogLevel.None : level)
            .AddFilter(typeof(FinishStage).FullName, ShowsFailures(settings, parts) ? LogLevel.None : level)
            .AddSimpleConsole(console => console.SingleLine = true)
            .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services
            .AddSingleton(ReadAlerts(builder.Configuration, settings.Port))
            .AddSingleton(ReadSettings(builder.Configuration, OpenLineageSettings.Read))
            .AddSingleton(ReadSettings(builder.Configuration, RetentionOptions.Read))
            .AddSingleton(ReadSettings(builder.Configuration, UploadOptions.Read) with { ThroughHost = settings.Storage is null })
            .AddMlOpsPipeline()
            .AddSingleton(_ => storage.Connect())
            .AddSingleton(new PipelineOptions { WorkFolder = storage.WorkFolder, Limits = ReadSettings(builder.Configuration, InputLimits.Read) })
            .AddMlOpsServing()
            .AddSingleton<AccessKeyStore>()
            .AddSingleton(new EngineOptions { SoleOwner = storage.IsExclusive })
            .AddSingleton(given => ActivatorUtilities.CreateInstance<RunReproduction>(given, settings))
            .AddSingleton<IHostLifetime, NoSignals>()
            .Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(10));
        if (parts.HasFlag(HostParts.Engine))
        {
            builder.Services.AddEmbeddedEngine();
        }
        else
        {
            builder.Services.AddRemoteEngine();
        }
        if (parts.HasFlag(HostParts.Triggers))
        {
            builder.Services.AddTriggers().AddTriggerLoops();
        }
        if (!settings.IsScratch)
        {
            builder.Services.AddOpenTelemetryExport(builder.Configuration);
        }
        settings.Services?.Invoke(builder.Services);
    }

    private static AlertOptions ReadAlerts(IConfigurationManager configuration, int port)
    {
        configuration.AddEnvironmentVariables();
        var url = new Uri($"http://127.0.0.1:{(port == 0 ? HostSettings.DefaultPort : port)}");
        return ReadSettings(configuration, read => AlertSettings.Read(read, url));
    }

    private static T ReadSettings<T>(IConfiguration configuration, Func<IConfiguration, T> read)
    {
        try
        {
            return read(configuration);
        }
        catch (InputException wrong)
        {
            throw new EnvironmentProblemException(wrong.Message, wrong);
        }
    }

    /// <summary>A command that runs one run shows itself how that ends.</summary>
    private static bool ShowsFailures(HostSettings settings, HostParts parts) => !settings.Verbose && !parts.HasFlag(HostParts.Triggers);

    private static Uri UrlOf(IHost host) =>
        new(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static async Task StopAsync(IHost host)
    {
        await host.StopAsync();
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }

    private static EnvironmentProblemException ProblemOf(int port, Exception fault)
    {
        var isDenied = fault is SocketException { SocketErrorCode: SocketError.AccessDenied };
        return new EnvironmentProblemException(
            $"Port {port} {(isDenied ? "may not be used" : "is taken by another process")}: choose another one with --port.", fault);
    }

    /// <summary>The command line listens to Ctrl+C itself, and ends the host and its storage in order.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
