using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MlOps.Local.Cli;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Processes;

/// <summary>
/// Kills host, embedded storage, or both at once, so that nothing can be saved any more: first as soon as a run is accepted, then at random moments.
/// <c>MLOPS_TEST_KILLS</c> says how often in all.
/// </summary>
public sealed class EmbeddedKillTests(ITestOutputHelper output) : IDisposable
{
    private const string Model = "trips";
    private const string File = "may.csv";

    private static readonly object Row = new { vendor = "CITY", passengers = 2, distance_km = 5.5, duration_min = 17, payment = "card", airport = false };

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-killed-").FullName;
    private readonly Acknowledged acknowledged = new();

    private string Data => Path.Combine(folder, "data");

    [UnixFact]
    public async Task Everything_that_was_answered_outlives_kills_at_any_moment_and_every_run_ends_once()
    {
        var kills = TestSize.Kills;
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string? active = null;
        var host = await EmbeddedHost.StartAsync(Data);
        try
        {
            await PrepareAsync(host);
            host = await KillOnceAcceptedAsync(host);
            var second = await host.RunAsync(Model, File);
            await host.EndOfAsync(second);
            acknowledged.See(await host.GetAsync($"/runs/{second}"));
            for (var kill = 1; kill < kills; kill++)
            {
                var victims = kill < 3 ? (Victims)kill : (Victims)random.Next(3);
                using var killed = new CancellationTokenSource();
                var clients = new[]
                {
                    UntilAsync(() => UploadAsync(host), killed.Token),
                    UntilAsync(() => DeclareAsync(host), killed.Token),
                    UntilAsync(() => PredictAsync(host), killed.Token),
                    UntilAsync(() => MoveAsync(host), killed.Token),
                    UntilAsync(async () => active = await WorkOnAsync(host, active), killed.Token),
                };
                await Task.Delay(random.Next(2_000));
                await host.KillAsync(victims);
                await killed.CancelAsync();
                await Task.WhenAll(clients);
                if (victims == Victims.Storage)
                {
                    (await host.ExitCodeAsync()).Should().Be(ExitCode.Usage, host.Errors);
                    host.Errors.Should().Contain("Embedded storage (Azurite) ended unexpectedly. Start again: nothing that was answered is lost");
                }
                await host.DisposeAsync();
                host = await EmbeddedHost.StartAsync(Data);
                await acknowledged.AssertKeptAsync(host, Model, $"it was answered before kill {kill} of {victims} (seed {seed})");
            }
            await AssertRunsEndedOnceAsync(host, seed);
            var doctor = await LocalProcess.RunAsync("doctor", "--data", Data);
            doctor.ExitCode.Should().Be(ExitCode.Done, $"{doctor.Output}{doctor.Errors} (seed {seed})");
        }
        finally
        {
            await host.DisposeAsync();
        }
        output.WriteLine($"{kills} kills, {acknowledged.Count} answers kept: {acknowledged.Files.Count} files, {acknowledged.Definitions.Count} definitions, "
            + $"{acknowledged.Runs.Count} runs, {acknowledged.Versions.Count} versions, {acknowledged.Moves.Count} moves of an alias");
        acknowledged.Files.Should().NotBeEmpty();
        acknowledged.Runs.Should().NotBeEmpty();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task PrepareAsync(EmbeddedHost host)
    {
        await host.DeclareAsync(Trips.Definition(Model, trees: 1));
        await host.UploadAsync(Model, File, await System.IO.File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200)));
    }

    /// <summary>A run whose start was answered a moment ago outlives host and storage, and ends well.</summary>
    private async Task<EmbeddedHost> KillOnceAcceptedAsync(EmbeddedHost host)
    {
        var run = await host.RunAsync(Model, File);
        await host.KillAsync(Victims.Both);
        await host.DisposeAsync();
        var next = await EmbeddedHost.StartAsync(Data);
        var ended = await next.EndOfAsync(run);
        ended.GetProperty("state").GetString().Should().Be("succeeded", ended.ToString());
        Acknowledged.ProductionOf(await next.GetAsync($"/models/{Model}")).Should().Be(1);
        acknowledged.See(ended);
        return next;
    }

    private static async Task UntilAsync(Func<Task> ask, CancellationToken killed)
    {
        try
        {
            while (!killed.IsCancellationRequested)
            {
                await ask();
                await Task.Delay(20, CancellationToken.None);
            }
        }
        catch (Exception gone) when (gone is HttpRequestException { StatusCode: null or System.Net.HttpStatusCode.ServiceUnavailable } or TaskCanceledException)
        {
        }
    }

    /// <summary>A file of a model without a definition: nobody moves it.</summary>
    private async Task UploadAsync(EmbeddedHost host)
    {
        var content = RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(1, 50_000));
        var name = $"{Guid.NewGuid():N}.bin";
        var hash = (await host.UploadAsync("files", name, content)).GetProperty("sha256").GetString()!;
        hash.Should().Be(Convert.ToHexStringLower(SHA256.HashData(content)));
        acknowledged.Files[$"files/{name}"] = hash;
    }

    private async Task DeclareAsync(EmbeddedHost host)
    {
        var name = $"other-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        acknowledged.Definitions[name] = (await host.DeclareAsync(Trips.Definition(name, trees: RandomNumberGenerator.GetInt32(1, 90)))).ToString();
    }

    private async Task PredictAsync(EmbeddedHost host)
    {
        if (acknowledged.Versions.IsEmpty)
        {
            return;
        }
        var answer = await host.SendAsync(HttpMethod.Post, "/predict", JsonContent.Create(new { model = Model, features = Row }));
        var prediction = answer.GetProperty("prediction").GetDouble();
        acknowledged.Prediction ??= prediction;
        prediction.Should().Be(acknowledged.Prediction, "all versions are trained on the same rows");
    }

    /// <summary>Moves alias production: to another version, or back.</summary>
    private async Task MoveAsync(EmbeddedHost host)
    {
        if (acknowledged.Runs.IsEmpty || await FindModelAsync(host) is not { } model)
        {
            return;
        }
        var versions = model.GetProperty("versions").EnumerateArray().Select(Acknowledged.VersionOf).ToList();
        foreach (var (version, run) in versions)
        {
            acknowledged.Versions[version] = run;
        }
        (acknowledged.Moves, acknowledged.NewMoves) = (Acknowledged.MovesOf(model), 0);
        var others = versions.Where(one => one.Version != Acknowledged.ProductionOf(model)).ToList();
        if (others.Count == 0)
        {
            return;
        }
        var isBack = RandomNumberGenerator.GetInt32(2) == 0 && acknowledged.Moves.Count > 4;
        var target = others[RandomNumberGenerator.GetInt32(others.Count)].Version;
        try
        {
            await (isBack
                ? host.SendAsync(HttpMethod.Post, $"/models/{Model}/rollback", JsonContent.Create(new { from = Acknowledged.ProductionOf(model) }))
                : host.SendAsync(HttpMethod.Put, $"/models/{Model}/aliases/production", JsonContent.Create(new { version = target })));
            acknowledged.NewMoves++;
        }
        catch (HttpRequestException first) when (first.StatusCode == System.Net.HttpStatusCode.Conflict)
        {
            // There is nothing before it to go back to.
        }
    }

    private static async Task<JsonElement?> FindModelAsync(EmbeddedHost host)
    {
        try
        {
            return await host.GetAsync($"/models/{Model}");
        }
        catch (HttpRequestException absent) when (absent.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>One run after the other, and what is seen of it.</summary>
    private async Task<string> WorkOnAsync(EmbeddedHost host, string? active)
    {
        if (active is null)
        {
            active = await host.RunAsync(Model, File);
            acknowledged.Runs.GetOrAdd(active, _ => new());
            return active;
        }
        var run = await host.GetAsync($"/runs/{active}");
        acknowledged.See(run);
        return run.GetProperty("state").GetString() is "queued" or "running" ? active : await WorkOnAsync(host, active: null);
    }

    private async Task AssertRunsEndedOnceAsync(EmbeddedHost host, int seed)
    {
        foreach (var run in acknowledged.Runs.Keys)
        {
            var ended = await host.EndOfAsync(run);
            ended.GetProperty("state").GetString().Should().BeOneOf(["succeeded", "blocked"], "{0} (seed {1})", ended, seed);
        }
        var versions = await host.ListVersionsAsync(Model);
        versions.Select(version => version.Run).Should().OnlyHaveUniqueItems("a run registers one version (seed {0})", seed);
        versions.Select(version => version.Run).Should().Contain(acknowledged.Runs.Keys);
    }
}
