using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;

namespace MlOps.Local.Hosting;

/// <summary>Uses the seconds in which storage starts to load native libraries and compile hot paths.</summary>
internal static class WarmStart
{
    /// <summary>Starts storage and warms up side by side; returns when both are done.</summary>
    public static async Task<LocalStorage> WhileAsync(Task<LocalStorage> startingStorage, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("mlops-warm-");
        try
        {
            var options = new PipelineOptions { WorkFolder = folder.FullName };
            var warming = Task.Run(() => new WarmUp(options).RunAsync(cancel), cancel);
            var storage = await startingStorage;
            await warming;
            return storage;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
