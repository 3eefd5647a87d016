using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Durable;
using MlOps.Functions.Hosting;
using MlOps.Functions.Tests.Durable;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>What rests should cost nothing, and logs are paid for by the line.</summary>
public sealed class IdleLogTests : IAsyncLifetime
{
    /// <summary>The app's own part of a minute; the host adds the four lines that tell of each call of a timer function.</summary>
    private const int MostLines = 5;

    /// <summary>Nobody else's runs are in it: those would be looked after, and be told of.</summary>
    private readonly AzuriteFixture azurite = new();

    public Task InitializeAsync() => azurite.InitializeAsync();

    public Task DisposeAsync() => azurite.DisposeAsync();

    /// <summary>
    /// A minute in a second: the timer function is called once, as the host does it every minute, and what looks by itself (the prediction log, every two
    /// seconds) looks more often than in a minute. It waits on a semaphore, which no clock of a test drives.
    /// </summary>
    [Fact]
    public async Task A_minute_without_work_is_told_in_a_few_lines()
    {
        var lines = new Lines();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["AzureWebJobsStorage"] = azurite.ConnectionString,
                ["Pipeline:WorkFolder"] = Directory.CreateTempSubdirectory("mlops-idle-").FullName,
            })
            .Build();
        var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(configuration)
            .AddLogging(logging => logging.AddProvider(lines).SetMinimumLevel(LogLevel.Information))
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(10) })
            .AddMlOpsApp(configuration);
        await using var app = services.BuildServiceProvider();
        var worker = await DurableWorker.StartAsync(app, Backends.InMemory());
        foreach (var service in app.GetServices<IHostedService>())
        {
            await service.StartAsync(default);
        }
        // The first look of a host may have something to tell.
        await LookAroundAsync();
        lines.All.Clear();

        await LookAroundAsync();
        await Task.Delay(TimeSpan.FromSeconds(1));

        lines.All.Should().HaveCountLessThanOrEqualTo(MostLines);
        lines.All.Should().NotContain(line => line.StartsWith("Warning", StringComparison.Ordinal) || line.StartsWith("Error", StringComparison.Ordinal));
        foreach (var service in app.GetServices<IHostedService>())
        {
            await service.StopAsync(default);
        }
        await worker.StopAsync();

        async Task LookAroundAsync()
        {
            await using var call = app.CreateAsyncScope();
            await new Triggers.Timer(call.ServiceProvider.GetRequiredService<DurableCall>()).LookAround(new(), worker.Client, default);
        }
    }

    private sealed class Lines : ILoggerProvider
    {
        public ConcurrentQueue<string> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => new OneOf(categoryName, All);

        public void Dispose()
        {
        }

        private sealed class OneOf(string category, ConcurrentQueue<string> all) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                if (IsEnabled(logLevel))
                {
                    all.Enqueue($"{logLevel} {category}: {formatter(state, exception)}");
                }
            }
        }
    }
}
