using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;

namespace MlOps.Local.Tests.Processes;

/// <summary>A kind of thing that clients delete over HTTP.</summary>
/// <param name="Name">In words.</param>
/// <param name="ListAsync">What there is of the thing at a path, a line each; none: it is gone.</param>
internal sealed record DeletedKind(string Name, Func<EmbeddedHost, string, Task<IReadOnlyList<string>>> ListAsync)
{
    public static DeletedKind File { get; } = new("files", async (host, path) =>
        await host.ConnectStorage().Raw.GetBlobClient(path["/raw/".Length..]).ExistsAsync() ? [path] : []);

    /// <summary>What a run logged goes before the run.</summary>
    public static DeletedKind Run { get; } = new("runs", async (host, path) => await FindAsync(host, path) is null ? [] : [path]);

    public static DeletedKind Definition { get; } = new("definitions", async (host, path) => await FindAsync(host, path) is { } found ? [$"{found}"] : []);

    public static DeletedKind Version { get; } = new("versions", async (host, path) => await FindAsync(host, path) is { } found ? [$"{found}"] : []);

    /// <summary>Some versions of a model go before others.</summary>
    public static DeletedKind Model { get; } = new("models", async (host, path) =>
        await FindAsync(host, path) is null || await FindAsync(host, $"{path}/versions?take=1000") is not { } found
            ? []
            : [.. found.GetProperty("versions").EnumerateArray().Select(version => $"{version}")]);

    private static async Task<JsonElement?> FindAsync(EmbeddedHost host, string path)
    {
        try
        {
            return await host.GetAsync(path);
        }
        catch (HttpRequestException absent) when (absent.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }
}

/// <summary>
/// What clients of a host that is killed delete. What was answered stays deleted. What was asked for and not answered is as it was, or gone, or, where it is
/// many things, some of them are; and the same again ends it.
/// </summary>
internal sealed class Deletions
{
    private readonly ConcurrentDictionary<(DeletedKind Kind, string Path), IReadOnlyList<string>> asked = new();
    private readonly ConcurrentDictionary<(DeletedKind Kind, string Path), bool> answered = new();
    private int gone;
    private int whole;
    private int partly;

    public int Count => answered.Count;

    public int CountOf(DeletedKind kind) => answered.Keys.Count(thing => thing.Kind == kind);

    public bool Has(DeletedKind kind, string path) => answered.ContainsKey((kind, path));

    public override string ToString() =>
        $"deletions of {string.Join(", ", answered.Keys.GroupBy(thing => thing.Kind.Name).Select(kind => $"{kind.Count()} {kind.Key}"))} "
            + $"({gone + whole + partly} of them had no answer: {gone} were done, {whole} not begun, {partly} half done)";

    /// <summary>Deletes what is there.</summary>
    public async Task DeleteAsync(EmbeddedHost host, DeletedKind kind, string path)
    {
        var before = await kind.ListAsync(host, path);
        before.Should().NotBeEmpty(path);
        asked[(kind, path)] = before;
        await host.SendAsync(HttpMethod.Delete, path);
        answered[(kind, path)] = true;
        asked.TryRemove((kind, path), out _);
    }

    /// <summary>In the host that was started after a kill.</summary>
    public async Task AssertAsync(EmbeddedHost host, string because)
    {
        await Parallel.ForEachAsync(answered.Keys, async (thing, _) =>
            (await thing.Kind.ListAsync(host, thing.Path)).Should().BeEmpty("{0}: {1} was deleted", because, thing.Path));
        foreach (var ((kind, path), before) in asked)
        {
            var left = await kind.ListAsync(host, path);
            left.Should().BeSubsetOf(before, "{0}: what is left of {1} is as it was", because, path);
            (gone, whole, partly) = left.Count == 0
                ? (gone + 1, whole, partly)
                : left.Count == before.Count ? (gone, whole + 1, partly) : (gone, whole, partly + 1);
            var again = () => host.SendAsync(HttpMethod.Delete, path);
            if (left.Count > 0)
            {
                await again();
            }
            else
            {
                (await again.Should().ThrowAsync<HttpRequestException>(because)).Which.StatusCode.Should().Be(HttpStatusCode.NotFound, because);
            }
            (await kind.ListAsync(host, path)).Should().BeEmpty("{0}: {1} was deleted again", because, path);
            answered[(kind, path)] = true;
            asked.TryRemove((kind, path), out _);
        }
    }
}
