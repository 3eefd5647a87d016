using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Cli;
using MlOps.Local.Engine;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using Xunit.Abstractions;
using Table = MlOps.Testing.Scenarios.Trips;

namespace MlOps.Local.Tests.Faults;

/// <summary>A clock that is set back by an hour.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ClockTests(AzuriteFixture azurite, ITestOutputHelper output) : IDisposable
{
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-clock-").FullName;

    [Fact]
    public async Task A_run_in_which_the_clock_is_set_back_ends_well_and_so_does_the_next_one()
    {
        var clock = new SetClock();
        var definition = Table.Definition();
        await using var host = new PipelineHost(azurite, services => services
            .AddEmbeddedEngine()
            .AddSingleton<TimeProvider>(clock)
            .AddSingleton(new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200) }));
        await host.Get<EmbeddedEngine>().StartAsync(CancellationToken.None);
        var before = await SubmitAsync(host, definition);
        await Eventually.IsTrueAsync(async () => (await DetailsAsync(host, before)).Stages.Count > 2);

        clock.Offset = TimeSpan.FromHours(-1);
        var after = await SubmitAsync(host, definition);
        await Eventually.IsTrueAsync(
            async () => (await DetailsAsync(host, after)).Run.HasEnded && (await DetailsAsync(host, before)).Run.HasEnded, deadline: TimeSpan.FromSeconds(90));
        await host.Get<EmbeddedEngine>().StopAsync(CancellationToken.None);

        foreach (var run in new[] { await DetailsAsync(host, before), await DetailsAsync(host, after) })
        {
            run.Run.State.Should().BeOneOf([RunState.Succeeded, RunState.Blocked], run.Run.Error);
            run.Run.Version.Should().NotBeNull();
            run.Stages.Should().OnlyContain(stage => stage.Seconds >= 0);
        }
    }

    [UnixFact]
    public async Task A_host_that_starts_an_hour_before_it_ended_keeps_all_and_takes_new_files()
    {
        var library = Directory.Exists("/usr/lib")
            ? Directory.EnumerateFiles("/usr/lib", "libfaketime.so.1", new EnumerationOptions { RecurseSubdirectories = true }).FirstOrDefault()
            : null;
        if (library is null)
        {
            output.WriteLine("Not tested: there is no libfaketime, which gives a process another clock.");
            return;
        }
        var data = Path.Combine(folder, "data");
        var table = await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200));
        string definition;
        await using (var host = await EmbeddedHost.StartAsync(data))
        {
            definition = (await host.DeclareAsync(Trips.Definition(Model, trees: 1))).ToString();
            await host.UploadAsync(Model, "may.csv", table);
            (await host.EndOfAsync(await host.RunAsync(Model, "may.csv"))).GetProperty("state").GetString().Should().Be("succeeded");
        }

        var earlier = new Dictionary<string, string?> { ["LD_PRELOAD"] = library, ["FAKETIME"] = "-1h", ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1" };
        await using (var host = await EmbeddedHost.StartAsync(data, earlier))
        {
            (await host.GetAsync($"/pipelines/{Model}")).ToString().Should().Be(definition);
            await host.UploadAsync(Model, "june.csv", table);
            var run = await host.EndOfAsync(await host.RunAsync(Model, "june.csv"));
            run.GetProperty("created").GetDateTimeOffset().Should().BeBefore(DateTimeOffset.UtcNow.AddMinutes(-50), "the clock is set back");
            run.GetProperty("state").GetString().Should().BeOneOf("succeeded", "blocked");
            await Eventually.IsTrueAsync(async () => (await host.GetAsync($"/runs?model={Model}")).GetProperty("runs").EnumerateArray().All(
                one => one.GetProperty("state").GetString() is "succeeded" or "blocked"), () => host.Errors);
            (await host.GetAsync($"/models/{Model}")).GetProperty("latestVersion").GetInt32().Should().Be(2);
        }
        var doctor = await LocalProcess.RunAsync("doctor", "--data", data);
        doctor.ExitCode.Should().Be(ExitCode.Done, doctor.Output + doctor.Errors);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static async Task<Run> SubmitAsync(PipelineHost host, PipelineDefinition definition)
    {
        await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None);
        var file = host.WriteFile($"{Guid.NewGuid():N}.csv", Table.Csv(600));
        return await host.Get<RunStarter>().StartAsync(definition.Model, file, "cli", CancellationToken.None);
    }

    private static async Task<RunDetails> DetailsAsync(PipelineHost host, Run run) =>
        (await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + Offset;
    }
}
