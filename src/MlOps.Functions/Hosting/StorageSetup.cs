using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Doctor;

namespace MlOps.Functions.Hosting;

/// <summary>Creates what is missing in storage before the first call, and removes what killed workers have left on this machine's disk.</summary>
internal sealed partial class StorageSetup(PipelineStorage storage, IndexRepair indexes, AbandonedWork work, ILogger<StorageSetup> logger) : IHostedService
{
    /// <summary>Other workers of this instance may be at theirs.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            work.Clear(Abandoned);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            LogNotCleared(fault);
        }
        await storage.EnsureCreatedAsync(cancellationToken);
        await indexes.EnsureAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "What earlier workers left in the work folder could not be removed now")]
    private partial void LogNotCleared(Exception fault);
}
