using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>From one embedded storage into that of a running host, which then serves what came.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-copies-").FullName;

    [Fact]
    public async Task A_version_is_copied_promoted_there_and_predicts()
    {
        var file = await Trips.WriteAsync(folder, rows: 300);
        var declared = await Trips.WriteDefinitionAsync(folder, "trips", trees: 5);
        (await LocalCommand.RunAsync("train", file, "--definition", declared, "--data", Test)).ExitCode.Should().Be(ExitCode.Done);
        await using var production = await EmbeddedHost.StartAsync(Path.Combine(folder, "production"));
        string[] copy = ["copy", "trips@production", "--to", production.Connection.Storage!, "--data", Test];

        var (code, said, problem) = await LocalCommand.RunAsync(copy);
        var again = await LocalCommand.RunAsync(copy);

        code.Should().Be(ExitCode.Done, problem);
        said.Should().Contain("is version 1 there").And.Contain("'promote trips 1'");
        again.Output.Should().Contain("is version 1 there");
        var version = await production.GetAsync("/models/trips/versions/1");
        version.GetProperty("from").GetProperty("version").GetInt32().Should().Be(1);
        (await LocalCommand.RunAsync("promote", "trips", "1", "--data", Path.Combine(folder, "production"))).ExitCode.Should().Be(ExitCode.Done);
        var row = new { vendor = "CITY", passengers = 2, distance_km = 5.5, duration_min = 17, payment = "card", airport = false };
        using var answer = new StringContent(System.Text.Json.JsonSerializer.Serialize(new { model = "trips", features = row }));
        (await production.SendAsync(HttpMethod.Post, "/predict", answer)).GetProperty("prediction").GetDouble().Should().BePositive();
        (await production.GetAsync("/audit")).ToString().Should().Contain("\"copy\"");
        var (refused, _, why) = await LocalCommand.RunAsync("copy", "trips@1", "--to", "nonsense", "--data", Test);
        (refused, why).Should().Match<(int, string)>(end => end.Item1 == ExitCode.Usage && end.Item2.Contains("--to"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Test => Path.Combine(folder, "test");
}
