using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MlOps.Testing;

namespace MlOps.Local.Tests.Processes;

/// <summary>Clients of a host that is killed, beside those that upload, declare and run: each notes what was answered.</summary>
internal sealed class KillClients(string model, string file, Acknowledged acknowledged)
{
    /// <summary>Of whom all predictions are: so they can be asked for.</summary>
    public const string Key = "watched";

    private static readonly object Row = new { vendor = "CITY", passengers = 2, distance_km = 5.5, duration_min = 17, payment = "card", airport = false };

    private string? ingesting;

    /// <summary>Each thing once, so that none of them is left to chance.</summary>
    /// <param name="host">It has two versions, the first in production.</param>
    public async Task DoEachAsync(EmbeddedHost host)
    {
        await MoveAsync(host, isBack: false);
        await MoveAsync(host, isBack: true);
        await DeleteFileAsync(host);
        await Eventually.IsTrueAsync(
            async () =>
            {
                await DeleteRunAsync(host);
                return acknowledged.Deletions.CountOf(DeletedKind.Run) > 0;
            },
            deadline: TimeSpan.FromSeconds(60));
        await TagAsync(host);
        for (var i = 0; i < 10; i++)
        {
            await TellAsync(host);
        }
        await Eventually.IsTrueAsync(
            async () =>
            {
                await SeeLoggedAsync(host);
                return acknowledged.Logged.Count >= 10;
            },
            deadline: TimeSpan.FromSeconds(30));
    }

    public async Task<string?> PredictAsync(EmbeddedHost host)
    {
        if (acknowledged.Versions.IsEmpty)
        {
            return null;
        }
        var answer = await host.SendAsync(HttpMethod.Post, "/predict", JsonContent.Create(new { model, features = Row, key = Key }));
        var prediction = answer.GetProperty("prediction").GetDouble();
        acknowledged.Prediction ??= prediction;
        prediction.Should().Be(acknowledged.Prediction, "all versions are trained on the same rows");
        return answer.GetProperty("id").GetString();
    }

    /// <summary>What came true of a prediction of now.</summary>
    public async Task TellAsync(EmbeddedHost host)
    {
        if (await PredictAsync(host) is not { } id)
        {
            return;
        }
        var actual = RandomNumberGenerator.GetInt32(1, 1000);
        var told = await host.SendAsync(HttpMethod.Post, "/feedback", JsonContent.Create(new { model, id, actual }));
        told.GetProperty("stored").GetInt32().Should().Be(1);
        acknowledged.Feedback[id] = $"{actual}";
    }

    /// <summary>Predictions that the log shows. Their own answer does not promise that: they wait for two seconds.</summary>
    public async Task SeeLoggedAsync(EmbeddedHost host)
    {
        foreach (var id in await host.ListLoggedAsync(model, Key))
        {
            acknowledged.Logged[id] = true;
        }
    }

    /// <summary>A file of a model without a definition, which is gone again.</summary>
    public async Task DeleteFileAsync(EmbeddedHost host)
    {
        var name = $"{Guid.NewGuid():N}.bin";
        await host.UploadAsync("gone", name, RandomNumberGenerator.GetBytes(100));
        await acknowledged.Deletions.DeleteAsync(host, DeletedKind.File, $"/raw/gone/{name}");
    }

    /// <summary>Runs that only ingest: one begins, and is deleted when it is found to have ended.</summary>
    public async Task DeleteRunAsync(EmbeddedHost host)
    {
        if (ingesting is not { } run)
        {
            var started = await host.SendAsync(
                HttpMethod.Post, $"/pipelines/{model}/runs", JsonContent.Create(new { source = $"raw/{model}/{file}", goal = "dataset" }));
            ingesting = started.GetProperty("runId").GetString();
            return;
        }
        if ((await host.GetAsync($"/runs/{run}")).GetProperty("state").GetString() is "queued" or "running")
        {
            return;
        }
        // Where no answer comes, it is asked for again after the kill, and not here.
        ingesting = null;
        await acknowledged.Deletions.DeleteAsync(host, DeletedKind.Run, $"/runs/{run}");
    }

    public async Task TagAsync(EmbeddedHost host)
    {
        var name = $"tag-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var tag = await host.SendAsync(HttpMethod.Put, $"/datasets/{model}/tags/{name}", JsonContent.Create(new { version = "latest" }));
        acknowledged.Tags[name] = tag.GetProperty("version").GetString()!;
    }

    /// <summary>Moves alias production: to another version, or back.</summary>
    public Task MoveAsync(EmbeddedHost host) => MoveAsync(host, isBack: RandomNumberGenerator.GetInt32(2) == 0 && acknowledged.Moves.Count > 4);

    private async Task MoveAsync(EmbeddedHost host, bool isBack)
    {
        if (acknowledged.Runs.IsEmpty || await FindModelAsync(host) is not { } found)
        {
            return;
        }
        var versions = found.GetProperty("versions").EnumerateArray().Select(Acknowledged.VersionOf).ToList();
        foreach (var (version, run) in versions)
        {
            acknowledged.Versions[version] = run;
        }
        (acknowledged.Moves, acknowledged.NewMoves) = (Acknowledged.MovesOf(found), 0);
        var others = versions.Where(one => one.Version != Acknowledged.ProductionOf(found)).ToList();
        if (others.Count == 0)
        {
            return;
        }
        var target = others[RandomNumberGenerator.GetInt32(others.Count)].Version;
        try
        {
            await (isBack
                ? host.SendAsync(HttpMethod.Post, $"/models/{model}/rollback", JsonContent.Create(new { from = Acknowledged.ProductionOf(found) }))
                : host.SendAsync(HttpMethod.Put, $"/models/{model}/aliases/production", JsonContent.Create(new { version = target })));
            acknowledged.NewMoves++;
            (acknowledged.Promotions, acknowledged.Rollbacks) = isBack
                ? (acknowledged.Promotions, acknowledged.Rollbacks + 1)
                : (acknowledged.Promotions + 1, acknowledged.Rollbacks);
        }
        catch (HttpRequestException first) when (first.StatusCode == System.Net.HttpStatusCode.Conflict)
        {
            // There is nothing before it to go back to.
        }
    }

    private async Task<JsonElement?> FindModelAsync(EmbeddedHost host)
    {
        try
        {
            return await host.GetAsync($"/models/{model}");
        }
        catch (HttpRequestException absent) when (absent.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }
}
