using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Data;

namespace MlOps.Functions.Hosting;

/// <summary>Creates what is missing in storage before the first call.</summary>
internal sealed class StorageSetup(PipelineStorage storage) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => storage.EnsureCreatedAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
