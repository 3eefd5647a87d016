using System.Text.Json;
using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

public sealed class TrainTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-train-").FullName;

    private string Data => Path.Combine(folder, "data");

    [Fact]
    public async Task Train_prints_exactly_one_JSON_object_and_the_next_equal_run_is_blocked()
    {
        var file = await Trips.WriteAsync(folder, rows: 400, "My Trips (May).csv");
        string[] train = ["train", file, "--target", "fare", "--ignore", "trip_id,pickup_time", "--json", "--data", Data];

        var first = await LocalProcess.RunAsync(train);
        var second = await LocalProcess.RunAsync([.. train, "--require-promotion"]);
        var third = await LocalCommand.RunAsync(train);

        first.ExitCode.Should().Be(0, first.Errors);
        var report = JsonDocument.Parse(first.Output).RootElement;
        report.GetProperty("model").GetString().Should().Be("my-trips-may");
        report.GetProperty("run").GetString().Should().StartWith("my-trips-may-");
        report.GetProperty("version").GetInt32().Should().Be(1);
        report.GetProperty("promoted").GetBoolean().Should().BeTrue();
        report.GetProperty("blockedBy").EnumerateArray().Should().BeEmpty();
        report.GetProperty("metrics").GetProperty("val_rmse").GetDouble().Should().BePositive();
        var rows = report.GetProperty("rows");
        var dropped = rows.GetProperty("dropped").EnumerateObject().ToDictionary(reason => reason.Name, reason => reason.Value.GetInt64());
        dropped.Keys.Should().Contain("null: vendor", "the table has such rows");
        (rows.GetProperty("total").GetInt64(), rows.GetProperty("kept").GetInt64()).Should().Be((400, 400 - dropped.Values.Sum()));
        first.Errors.Should().Contain($"{400 - dropped.Values.Sum()} of 400 rows kept").And.Contain("null in vendor");
        report.GetProperty("peakMemoryMb").GetDouble().Should().BeInRange(20, 4096);
        report.TryGetProperty("error", out _).Should().BeFalse();
        var stages = report.GetProperty("stages").EnumerateArray().ToList();
        stages.Select(stage => stage.GetProperty("name").GetString())
            .Should().ContainInOrder("ingest", "clean", "features", "split", "train", "validate", "drift", "promote");
        stages[0].GetProperty("rows").GetInt64().Should().Be(400);
        stages.Should().OnlyContain(stage => stage.GetProperty("seconds").GetDouble() > 0);
        first.Errors.Should().Contain("promoted to production", "the story goes to standard error");

        var blocked = JsonDocument.Parse(second.Output).RootElement;
        second.ExitCode.Should().Be(1);
        blocked.GetProperty("promoted").GetBoolean().Should().BeFalse();
        blocked.GetProperty("blockedBy").EnumerateArray().Should().NotBeEmpty();
        third.ExitCode.Should().Be(0, "without --require-promotion a blocked run is a run that ended well");
    }

    [Fact]
    public async Task A_column_that_is_not_there_is_reported_as_JSON_too()
    {
        var file = await Trips.WriteAsync(folder, rows: 50);

        var (exitCode, output, errors) = await LocalCommand.RunAsync("train", file, "--target", "fair", "--json", "--data", Data);

        exitCode.Should().Be(1, errors);
        JsonDocument.Parse(output).RootElement.GetProperty("error").GetString().Should().Contain("fair");
        errors.Should().NotContain("   at ");
    }

    [Fact]
    public async Task A_failed_run_ends_with_1_and_says_why()
    {
        var file = Path.Combine(folder, "constant.csv");
        await File.WriteAllLinesAsync(file, ["a,y", .. Enumerable.Range(0, 100).Select(i => $"{i},5")]);

        var (exitCode, output, errors) = await LocalCommand.RunAsync("train", file, "--target", "y", "--data", Data);

        exitCode.Should().Be(1);
        (output + errors).Should().Contain("failed:").And.Contain("'y'").And.NotContain("   at ");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
