using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Data;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>A host that serves, keeps what it predicts, and looks for drift when the test says so.</summary>
internal sealed class MonitorHost : IAsyncDisposable
{
    private readonly PipelineHost host;
    private readonly IHostedService writer;
    private bool isRunning;

    public MonitorHost(AzuriteFixture azurite, Action<IServiceCollection>? configure = null)
    {
        host = new PipelineHost(azurite, services =>
        {
            configure?.Invoke(services);
            services.AddMlOpsServing().AddPredictionLog().AddTriggers();
        });
        writer = host.Get<IEnumerable<IHostedService>>().OfType<PredictionLogWriter>().Single();
    }

    public PipelineHost Pipeline => host;

    public PredictionLog Log => host.Get<PredictionLog>();

    public T Get<T>() where T : notnull => host.Get<T>();

    /// <summary>Begins to write what is predicted.</summary>
    public async Task<MonitorHost> StartAsync()
    {
        await writer.StartAsync(CancellationToken.None);
        isRunning = true;
        return this;
    }

    /// <summary>Ends as a host does that is told to stop.</summary>
    public async Task StopAsync()
    {
        isRunning = false;
        await writer.StopAsync(CancellationToken.None);
    }

    public Task<PredictionResult.Predicted> PredictAsync(string model, params IReadOnlyList<string> rows) => PredictAsync(model, rows, keys: null);

    public async Task<PredictionResult.Predicted> PredictAsync(string model, IReadOnlyList<string> rows, IReadOnlyList<string>? keys)
    {
        using var body = JsonDocument.Parse($"[{string.Join(',', rows)}]");
        var answer = await host.Get<PredictionService>()
            .PredictAsync(model, [.. body.RootElement.EnumerateArray()], Wanted.Nothing, keys, CancellationToken.None);
        return answer.Should().BeOfType<PredictionResult.Predicted>().Subject;
    }

    /// <summary>Returns when all that was predicted is written.</summary>
    public Task WrittenAsync() => Eventually.IsTrueAsync(() => Log.Waiting == 0, () => $"{Log.Waiting} bytes wait");

    public Task LookAsync() => host.Get<LiveDriftTrigger>().LookAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (isRunning)
        {
            await StopAsync();
        }
        await host.DisposeAsync();
    }
}

/// <summary>What stands in the prediction log.</summary>
internal static class LoggedPredictions
{
    /// <summary>A model's blobs by name, with their lines.</summary>
    public static async Task<IReadOnlyDictionary<string, string[]>> ReadAsync(PipelineStorage storage, string model)
    {
        var blobs = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        await foreach (var blob in storage.Predictions.GetBlobsAsync(default, default, model + "/", CancellationToken.None))
        {
            var text = (await storage.Predictions.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString();
            blobs[blob.Name] = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        return blobs;
    }
}
