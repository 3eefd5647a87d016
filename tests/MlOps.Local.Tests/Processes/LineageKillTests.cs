using System.Text.Json.Nodes;
using MlOps.Pipeline.OpenLineage;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Processes;

/// <summary>Kills the host at random moments of its runs: each is told to have begun, and to have ended in one way.</summary>
public sealed class LineageKillTests(ITestOutputHelper output) : IDisposable
{
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-told-").FullName;

    [UnixFact]
    public async Task Every_run_is_told_to_have_begun_and_ended_once_however_often_its_host_is_killed()
    {
        var (kills, seed) = (Math.Max(3, TestSize.Kills / 4), TestSize.Seed);
        output.WriteLine($"seed {seed}, {kills} kills");
        var random = new Random(seed);
        await using var receiver = await LineageReceiver.StartAsync();
        receiver.Answer = (call, _) => call % 5 == 0 ? 503 : 200;
        var settings = new Dictionary<string, string?> { ["OPENLINEAGE_URL"] = receiver.Url.ToString() };
        var runs = new Dictionary<string, string>();
        var host = await EmbeddedHost.StartAsync(folder, settings);
        try
        {
            await host.DeclareAsync(Trips.Definition(Model, trees: 1));
            await host.UploadAsync(Model, "may.csv", await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200)));
            for (var kill = 0; kill < kills; kill++)
            {
                runs[await host.RunAsync(Model, "may.csv")] = "COMPLETE";
                await Task.Delay(random.Next(3_000));
                await host.KillAsync(random.Next(2) == 0 ? Victims.Both : Victims.Host);
                await host.DisposeAsync();
                host = await EmbeddedHost.StartAsync(folder, settings);
            }
            foreach (var run in runs.Keys)
            {
                (await host.EndOfAsync(run)).GetProperty("state").GetString().Should().BeOneOf(["succeeded", "blocked"], "seed {0}", seed);
            }
            var (stopped, missing) = (host.Errors, await host.SendAsync(HttpMethod.Post, $"/pipelines/{Model}/runs"));
            var failed = missing.GetProperty("runId").GetString()!;
            await host.SendAsync(HttpMethod.Post, $"/runs/{failed}/cancel");
            runs[failed] = "ABORT";
            await Eventually.IsTrueAsync(
                () => Task.FromResult(runs.All(
                    run => Told(receiver, run.Key).Contains(run.Value) || (run.Value == "ABORT" && Told(receiver, run.Key).Count == 0))),
                () => string.Join('\n', runs.Select(run => $"{run.Key}: {string.Join(", ", Told(receiver, run.Key))}")) + $"\n{stopped}{host.Errors}",
                TimeSpan.FromSeconds(100));
        }
        finally
        {
            await host.DisposeAsync();
        }
        foreach (var (run, end) in runs)
        {
            // A kill between a receiver's answer and our note of it sends the same event again.
            var told = Events(receiver, run).Select(told => told.ToJsonString()).Distinct().Select(told => JsonNode.Parse(told)!).ToList();
            var types = told.Select(one => (string)one["eventType"]!).Distinct().ToList();
            types.Should().BeSubsetOf(["START", end], "seed {0}", seed);
            (end == "ABORT" && types.Count == 0 || types is ["START", _]).Should().BeTrue("seed {0}: {1}", seed, string.Join(", ", types));
            told.Select(one => $"{one["eventType"]} {one["eventTime"]}").Distinct().Should().HaveSameCount(types, "seed {0}", seed);
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static IReadOnlyList<string> Told(LineageReceiver receiver, string run) => receiver.TypesOf(LineageEvents.IdOf(run));

    private static IEnumerable<JsonNode> Events(LineageReceiver receiver, string run) =>
        receiver.Taken.Where(told => (string)told["run"]!["runId"]! == LineageEvents.IdOf(run).ToString());
}
