using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Puts what is logged within a stage, by this product or by what a host adds to it, into the stage's log, whatever level the host's own log has. Of an
/// exception it takes what a person is told: its text and trace, which may hold anything, are in the host's log.
/// </summary>
[ProviderAlias("StageLog")]
internal sealed class StageLogProvider : ILoggerProvider
{
    /// <summary>Libraries and platforms tell of requests and of their insides: nothing about the run, and addresses that may be signed.</summary>
    private static readonly string[] Foreign = ["Microsoft", "System", "Azure", "Polly", "OpenTelemetry", "DurableTask", "Host", "Function", "Worker"];

    /// <summary>What runs stages tells of their beginning and end itself, in other words than the host's log.</summary>
    private static readonly string[] AroundStages = [typeof(StageLogs).FullName!, "MlOps.Pipeline.Orchestration.StageRunner"];

    public static IServiceCollection AddTo(IServiceCollection services)
    {
        services.TryAddSingleton(new StageLogOptions());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoggerProvider, StageLogProvider>());
        return services.AddSingleton<StageLogs>()
            .AddLogging(logging => logging.AddFilter<StageLogProvider>((category, level) => level >= LogLevel.Information && IsOfAStage(category)));
    }

    public ILogger CreateLogger(string categoryName) => new Lines();

    public void Dispose()
    {
    }

    private static bool IsOfAStage(string? category) =>
        category is not null && !AroundStages.Contains(category) && !Foreign.Contains(category.Split('.', 2)[0], StringComparer.Ordinal);

    private sealed class Lines : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information && StageLog.Current is not null;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var said = formatter(state, exception);
                StageLog.Current!.Write(logLevel, exception is null ? said : $"{said}: {FaultText.Of(exception)}");
            }
        }
    }
}
