using System.Collections.Concurrent;
using System.Security.Cryptography;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Tests.Processes;

/// <summary>Clients of a host that is killed which delete models, versions and definitions: made for that, and known to nobody else.</summary>
/// <param name="model">A model with a version, of which the deleted ones are copies.</param>
/// <param name="deletions">What they delete.</param>
internal sealed class DeletingClients(string model, Deletions deletions)
{
    /// <summary>More versions than go at once: three transactions.</summary>
    private const int Many = 45;

    private const int InStock = 3;
    private const int NumbersAsked = 5;

    private readonly ConcurrentQueue<string> stock = new();
    private TaskCompletionSource manyBegin = new();

    /// <summary>How many versions each model that was to be deleted had.</summary>
    private readonly ConcurrentDictionary<string, int> taken = new();

    /// <summary>A model that has as many versions as are deleted at once and more, and small ones, so that there is something to be killed within.</summary>
    public async Task StockAsync(EmbeddedHost host)
    {
        manyBegin = new();
        await Task.WhenAll(Enumerable.Range(stock.Count, Math.Max(0, InStock - stock.Count)).Select(i => CopyAsync(host, i == InStock - 1 ? Many : 1 + i)));
    }

    /// <summary>Done when the model of many versions is about to be deleted.</summary>
    public Task ManyBegin => manyBegin.Task;

    /// <summary>The oldest version first, where there is another, then the model.</summary>
    public async Task DeleteModelAsync(EmbeddedHost host)
    {
        if (!stock.TryDequeue(out var name))
        {
            await CopyAsync(host, versions: 2);
            return;
        }
        if (taken[name] > 1)
        {
            await deletions.DeleteAsync(host, DeletedKind.Version, $"/models/{name}/versions/1");
        }
        if (taken[name] == Many)
        {
            manyBegin.TrySetResult();
        }
        await deletions.DeleteAsync(host, DeletedKind.Model, $"/models/{name}");
    }

    public async Task DeleteDefinitionAsync(EmbeddedHost host)
    {
        var name = NewName();
        await host.DeclareAsync(Trips.Definition(name, trees: 1));
        await deletions.DeleteAsync(host, DeletedKind.Definition, $"/pipelines/{name}");
    }

    /// <summary>The numbers of versions of a deleted model are not given again.</summary>
    public async Task AssertNumbersAsync(EmbeddedHost host, string because)
    {
        var registry = RegistryOf(host);
        foreach (var (name, versions) in taken.Where(model => deletions.Has(DeletedKind.Model, $"/models/{model.Key}")).Take(NumbersAsked))
        {
            (await RegisterAsync(registry, name)).Version.Should().Be(versions + 1, because);
        }
    }

    private async Task CopyAsync(EmbeddedHost host, int versions)
    {
        var (name, registry) = (NewName(), RegistryOf(host));
        for (var i = 0; i < versions; i++)
        {
            await RegisterAsync(registry, name);
        }
        taken[name] = versions;
        stock.Enqueue(name);
    }

    private async Task<ModelVersion> RegisterAsync(ModelRegistry registry, string name)
    {
        var first = await registry.GetAsync(model, 1, default);
        return await registry.RegisterAsync(first with { Model = name, RunId = RunId.New(name, DateTimeOffset.UtcNow) }, default);
    }

    private static string NewName() => $"short-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    private static ModelRegistry RegistryOf(EmbeddedHost host) => new(host.ConnectStorage(), TimeProvider.System);
}
