using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;
using MlOps.Serving.Feedback;

namespace MlOps.Local.Tests.Processes;

/// <summary>What a host has answered with "done", written down before anything is killed, to be asked for afterwards.</summary>
internal sealed class Acknowledged
{
    /// <summary>Most moves of aliases that a model shows: a page of them.</summary>
    private const int MostTold = 50;

    /// <summary>Raw files, and the SHA-256 of their bytes.</summary>
    public ConcurrentDictionary<string, string> Files { get; } = new();

    /// <summary>Definitions as they were answered.</summary>
    public ConcurrentDictionary<string, string> Definitions { get; } = new();

    /// <summary>Runs, and their stages that were seen to be finished.</summary>
    public ConcurrentDictionary<string, ConcurrentDictionary<string, string>> Runs { get; } = new();

    /// <summary>Versions that were shown, and the run each is of.</summary>
    public ConcurrentDictionary<int, string> Versions { get; } = new();

    /// <summary>Moves of an alias that were shown, the oldest first.</summary>
    public IReadOnlyList<string> Moves { get; set; } = [];

    /// <summary>How often the alias was moved with success since <see cref="Moves"/> was read.</summary>
    public int NewMoves { get; set; }

    /// <summary>What version 1 predicts for a row; it may not change.</summary>
    public double? Prediction { get; set; }

    /// <summary>Moves to another version, and moves back, that were answered in all.</summary>
    public int Promotions { get; set; }

    /// <inheritdoc cref="Promotions"/>
    public int Rollbacks { get; set; }

    /// <summary>Ids of predictions that the log has shown.</summary>
    public ConcurrentDictionary<string, bool> Logged { get; } = new();

    /// <summary>Predictions, and what was told of them.</summary>
    public ConcurrentDictionary<string, string> Feedback { get; } = new();

    /// <summary>Names of dataset versions, and the version of each.</summary>
    public ConcurrentDictionary<string, string> Tags { get; } = new();

    public Deletions Deletions { get; } = new();

    public int Count => Files.Count + Definitions.Count + Runs.Values.Sum(stages => 1 + stages.Count) + Versions.Count + Moves.Count + Logged.Count
        + Feedback.Count + Tags.Count + Deletions.Count;

    public override string ToString() =>
        $"{Files.Count} files, {Definitions.Count} definitions, {Runs.Count} runs, {Versions.Count} versions, {Moves.Count} moves of an alias of "
            + $"{Promotions} promotions and {Rollbacks} rollbacks, {Logged.Count} logged predictions, {Feedback.Count} of feedback, {Tags.Count} tags, "
            + $"{Deletions}";

    /// <summary>Of each kind there was something to keep.</summary>
    public void AssertEachKind()
    {
        Promotions.Should().BePositive(ToString());
        Rollbacks.Should().BePositive(ToString());
        new[] { Versions.Count, Logged.Count, Feedback.Count, Tags.Count }.Should().NotContain(0, ToString());
        new[] { DeletedKind.File, DeletedKind.Run, DeletedKind.Definition, DeletedKind.Version, DeletedKind.Model }.Select(Deletions.CountOf)
            .Should().NotContain(0, ToString());
    }

    /// <summary>Notes which stages of a run are finished.</summary>
    public void See(JsonElement run)
    {
        var finished = Runs.GetOrAdd(run.GetProperty("runId").GetString()!, _ => new());
        // The last stage is read from the end of its run until its own end is written: it is still to change.
        var end = run.TryGetProperty("ended", out var ended) ? ended.ToString() : null;
        foreach (var stage in run.GetProperty("stages").EnumerateArray().Where(
            stage => stage.GetProperty("state").GetString() is "succeeded" or "reused" && stage.GetProperty("ended").ToString() != end))
        {
            finished[$"{stage.GetProperty("stage")}|{stage.GetProperty("key")}"] = stage.ToString();
        }
    }

    public static IReadOnlyList<string> MovesOf(JsonElement model) =>
        [.. model.GetProperty("history").EnumerateArray().Select(move => move.ToString()).Reverse()];

    /// <summary>Everything is there in the host that was started after a kill.</summary>
    public async Task AssertKeptAsync(EmbeddedHost host, string model, string because)
    {
        var raw = new BlobContainerClient(host.Connection.Storage, "raw");
        await Parallel.ForEachAsync(Files, async (file, stop) =>
        {
            var content = (await raw.GetBlobClient(file.Key).DownloadContentAsync(stop)).Value.Content;
            Convert.ToHexStringLower(SHA256.HashData(content)).Should().Be(file.Value, because);
        });
        await Parallel.ForEachAsync(Definitions, async (definition, _) =>
            (await host.GetAsync($"/pipelines/{definition.Key}")).ToString().Should().Be(definition.Value, because));
        await Parallel.ForEachAsync(Runs, async (run, _) =>
        {
            var kept = await host.GetAsync($"/runs/{run.Key}");
            foreach (var (stage, status) in run.Value)
            {
                kept.GetProperty("stages").EnumerateArray().Select(one => one.ToString())
                    .Should().Contain(status, "{0}, stage {1} of {2}", because, stage, kept);
            }
        });
        if (Versions.IsEmpty)
        {
            return;
        }
        (await host.ListVersionsAsync(model)).Should().Contain(Versions.Select(version => (version.Key, version.Value)), because);
        var registered = await host.GetAsync($"/models/{model}");
        var moves = MovesOf(registered);
        // The oldest are told no longer once there are many.
        var told = Moves.Skip(moves.Count < MostTold ? 0 : Math.Max(0, Moves.ToList().IndexOf(moves[0]))).ToList();
        moves.Take(told.Count).Should().Equal(told, because);
        (moves.Count - told.Count).Should().BeGreaterThanOrEqualTo(NewMoves, because);
        var newest = registered.GetProperty("history").EnumerateArray().First(move => move.GetProperty("alias").GetString() == "production");
        ProductionOf(registered).Should().Be(newest.GetProperty("to").GetInt32(), because);
        (Moves, NewMoves) = (moves, 0);
        await AssertServedKeptAsync(host, model, because);
        await Deletions.AssertAsync(host, because);
    }

    private async Task AssertServedKeptAsync(EmbeddedHost host, string model, string because)
    {
        await Parallel.ForEachAsync(Tags, async (tag, _) =>
        {
            var named = await host.GetAsync($"/datasets/{model}/versions/{tag.Key}");
            named.GetProperty("version").GetProperty("id").GetString().Should().Be(tag.Value, because);
        });
        if (!Logged.IsEmpty)
        {
            Logged.Keys.Except(await host.ListLoggedAsync(model, KillClients.Key)).Should().BeEmpty(because);
        }
        if (Feedback.IsEmpty)
        {
            return;
        }
        var storage = new PipelineStorage(new BlobServiceClient(host.Connection.Storage), new TableServiceClient(host.Connection.Storage));
        var told = await new FeedbackStore(storage, TimeProvider.System).ReadAsync(model, DateTimeOffset.UtcNow.AddDays(-1), default)
            .ToDictionaryAsync(item => item.Id!, item => item.Actual);
        told.Should().Contain(Feedback, because);
    }

    public static (int Version, string Run) VersionOf(JsonElement version) =>
        (version.GetProperty("version").GetInt32(), version.GetProperty("runId").GetString()!);

    public static int ProductionOf(JsonElement model) => model.GetProperty("aliases").GetProperty("production").GetInt32();
}
