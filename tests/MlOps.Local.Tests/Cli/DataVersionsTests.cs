using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>Data versions from the command line, as the docs say.</summary>
public sealed partial class DataVersionsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-versions-").FullName;

    [Fact]
    public async Task A_file_is_logged_tagged_compared_checked_out_and_its_run_reproduced()
    {
        var file = await Trips.WriteAsync(folder, rows: 300);
        var trained = JsonNode.Parse(await RunAsync("train", file, "--definition", await Trips.WriteDefinitionAsync(folder, "trips", trees: 5), "--json"))!;
        await using var host = await EmbeddedHost.StartAsync(Path.Combine(folder, "data"));
        await RunAsync("data", "tag", "trips", "may");
        (await FailAsync("data", "tag", "trips@v1:train", "may")).Should().Contain("for good");
        await File.WriteAllLinesAsync(file, (await File.ReadAllLinesAsync(file))[..^10]);
        await RunAsync("train", file, "--definition", await Trips.WriteDefinitionAsync(folder, "trips", trees: 5), "--json");

        var log = await RunAsync("data", "log", "trips", "--stage", "raw");
        var diff = await RunAsync("data", "diff", "trips@may", "latest");
        var json = JsonNode.Parse(await RunAsync("data", "diff", "trips@may", "trips@latest", "--json"))!;
        var shown = await RunAsync("data", "show", "trips@may");
        await RunAsync("data", "checkout", "trips@may", "--out", Path.Combine(folder, "out"));
        var reproduced = await RunAsync("reproduce", (string)trained["run"]!);
        await RunAsync("score", "trips", "trips@may", "--version", "1", "--out", Path.Combine(folder, "scored.csv"));
        await RunAsync("score", "trips", file, "--version", "1", "--out", Path.Combine(folder, "scored.parquet"));

        DatasetVersion.Matches(log).Should().HaveCount(2);
        log.Should().Contain("may");
        diff.Should().Contain("0 added, 10 removed, 0 changed, 290 the same");
        ((long)json["rows"]!["removed"]!).Should().Be(10);
        shown.Should().Contain("distance_km").And.Contain((string)trained["run"]!);
        (await File.ReadAllLinesAsync(Path.Combine(folder, "out", "trips-raw.csv"))).Should().HaveCount(301);
        var scored = await File.ReadAllLinesAsync(Path.Combine(folder, "scored.csv"));
        scored.Should().HaveCount(301);
        scored[0].Should().EndWith(",prediction,problem");
        File.Exists(Path.Combine(folder, "scored.parquet")).Should().BeTrue();
        (await LocalCommand.RunAsync("score", "trips", file, "--out", "scored.txt")).ExitCode.Should().Be(ExitCode.Usage);
        (await RunAsync("data", "log", "trips", "--stage", "score")).Should().Contain("300").And.Contain("290");
        (await RunAsync("audit")).Should().Contain("score");
        reproduced.Should().MatchRegex("The same: [0-9]{2,} facts compared");
        (await RunAsync("data", "lineage", "version/trips@1")).Should().StartWith("flowchart LR").And.Contain("-->|registered|");
        (await RunAsync("data", "verify")).Should().Contain("all as they were written");
        (await RunAsync("data", "gc")).Should().Contain("0 bytes in 0 folders would be deleted").And.MatchRegex("views read [1-9][0-9,]* bytes of others");
        (await RunAsync("data", "show", "trips@v1:train")).Should().MatchRegex("Shared +[1-9][0-9,]* bytes of clean version");
        var again = JsonNode.Parse(await RunAsync("train", "trips@may", "--json"))!;
        ((string)again["state"]!).Should().BeOneOf("succeeded", "blocked");
        (await RunAsync("data", "show", "trips@may")).Should().Contain((string)again["run"]!);
        var some = await RunAsync("data", "show", "trips@may", "--take", "1");
        some.Should().NotContain((string)again["run"]!).And.Contain("There are more: --next ");
        (await RunAsync("data", "show", "trips@may", "--next", some.Split("--next ")[1].Split(' ')[0])).Should().Contain((string)again["run"]!);
        (await RunAsync("data", "show", "trips@may", "--all")).Should().Contain((string)again["run"]!).And.NotContain("--next");
        (await RunAsync("data", "restore", "trips@may")).Should().Contain("trips@latest is version");
        (await RunAsync("data", "show", "trips")).Should().Contain("may");
        await RunAsync("data", "tag", "trips@may", "moves", "--movable");
        await UntagPinnedAsync();
        (await FailAsync("train", "trips@none")).Should().Contain("latest~1");
        (await FailAsync("data", "show", "trips@none")).Should().Contain("latest~1");
    }

    /// <summary>A name that the definition pins is moved, and not taken away.</summary>
    private async Task UntagPinnedAsync()
    {
        var definition = Path.Combine(folder, "pins.json");
        var pins = JsonNode.Parse(await File.ReadAllTextAsync(await Trips.WriteDefinitionAsync(folder, "trips", trees: 5)))!;
        pins["data"] = "moves";
        await File.WriteAllTextAsync(definition, pins.ToJsonString());
        await RunAsync("train", "trips@may", "--definition", definition);

        (await FailAsync("data", "untag", "trips", "moves")).Should().Contain("pins data 'moves'").And.Contain("may be moved");

        await RunAsync("data", "tag", "trips@v1", "moves", "--movable");
        (await RunAsync("data", "log", "trips", "--stage", "raw")).Should().Contain("moves");
        await RunAsync("data", "untag", "trips", "may");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<string> RunAsync(params string[] command)
    {
        var (code, output, errors) = await LocalCommand.RunAsync([.. command, "--data", Path.Combine(folder, "data")]);
        code.Should().Be(ExitCode.Done, errors);
        return output;
    }

    private async Task<string> FailAsync(params string[] command)
    {
        var (code, _, errors) = await LocalCommand.RunAsync([.. command, "--data", Path.Combine(folder, "data")]);
        code.Should().Be(ExitCode.Failed);
        return errors;
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex DatasetVersion { get; }
}
