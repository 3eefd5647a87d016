using System.Security.Cryptography;
using Azure;
using MlOps.Local.Cli;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Processes;

/// <summary>
/// Kills host, embedded storage, or both at once, so that nothing can be saved any more: first as soon as a run is accepted, then at random moments, after
/// each kind of thing was answered once.
/// <c>MLOPS_TEST_KILLS</c> says how often in all.
/// </summary>
public sealed class EmbeddedKillTests(ITestOutputHelper output) : IDisposable
{
    private const string Model = "trips";
    private const string File = "may.csv";

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
            var others = new KillClients(Model, File, acknowledged);
            await others.DoEachAsync(host);
            var deleting = new DeletingClients(Model, acknowledged.Deletions);
            await DeleteEachAsync(deleting, host);
            for (var kill = 1; kill < kills; kill++)
            {
                var victims = kill < 3 ? (Victims)kill : (Victims)random.Next(3);
                await deleting.StockAsync(host);
                using var killed = new CancellationTokenSource();
                var clients = new[]
                {
                    UntilAsync(() => UploadAsync(host), killed.Token),
                    UntilAsync(() => DeclareAsync(host), killed.Token),
                    UntilAsync(() => others.PredictAsync(host), killed.Token),
                    UntilAsync(() => others.MoveAsync(host), killed.Token),
                    UntilAsync(() => others.TellAsync(host), killed.Token),
                    UntilAsync(() => others.SeeLoggedAsync(host), killed.Token),
                    UntilAsync(() => others.DeleteFileAsync(host), killed.Token),
                    UntilAsync(() => others.DeleteRunAsync(host), killed.Token),
                    UntilAsync(() => others.TagAsync(host), killed.Token),
                    UntilAsync(() => deleting.DeleteModelAsync(host), killed.Token),
                    UntilAsync(() => deleting.DeleteDefinitionAsync(host), killed.Token),
                    UntilAsync(async () => active = await WorkOnAsync(host, active), killed.Token),
                };
                // Now and then long enough for the prediction log to be written, and now and then within a deletion of many things.
                await (kill % 3 == 1 ? Task.WhenAny(deleting.ManyBegin, Task.Delay(5_000)) : Task.CompletedTask);
                await Task.Delay(random.Next((kill % 3) switch { 0 => 5_000, 1 => 400, _ => 2_000 }));
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
            await deleting.AssertNumbersAsync(host, $"seed {seed}");
            // It reads every file of every version, and each kill leaves some more.
            var doctor = await LocalProcess.RunAsync(TimeSpan.FromMinutes(3 + (kills / 10)), "doctor", "--data", Data);
            doctor.ExitCode.Should().Be(ExitCode.Done, $"{doctor.Output}{doctor.Errors} (seed {seed})");
        }
        finally
        {
            await host.DisposeAsync();
        }
        output.WriteLine($"{kills} kills, {acknowledged.Count} answers kept: {acknowledged}");
        acknowledged.Files.Should().NotBeEmpty();
        acknowledged.Runs.Should().NotBeEmpty();
        acknowledged.AssertEachKind();
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

    /// <summary>A model of several versions, and a definition.</summary>
    private async Task DeleteEachAsync(DeletingClients deleting, EmbeddedHost host)
    {
        await deleting.DeleteDefinitionAsync(host);
        while (acknowledged.Deletions.CountOf(DeletedKind.Model) == 0)
        {
            await deleting.DeleteModelAsync(host);
        }
    }

    /// <summary>Asks again and again, until the kill, or until there is no answer.</summary>
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
        catch (Exception gone) when (gone is HttpRequestException { StatusCode: null or System.Net.HttpStatusCode.ServiceUnavailable } or TaskCanceledException
            or RequestFailedException { Status: 0 })
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
