using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Cli;
using MlOps.Local.Hosting;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
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

    /// <summary>One file with several kinds of trouble: cells that are no numbers, rows that are cut short or lack the target, an id.</summary>
    [Fact]
    public async Task What_is_odd_of_a_file_is_told_on_the_terminal_as_JSON_and_on_the_card()
    {
        var file = Path.Combine(folder, "odd.csv");
        await File.WriteAllLinesAsync(file, ["order_id,km,shift,fare", .. Enumerable.Range(0, 300).Select(i => i switch
        {
            40 => "cut",
            _ => $"{i + 7000},{(i is 20 or 30 or 50 ? $"~{i} km" : $"{i * 7 % 31}.5")},{(i % 3 == 0 ? "NA" : "late")},"
                + $"{(i % 60 == 9 ? "" : $"{2 * (i * 7 % 31)}")}",
        })]);
        var definition = await Trips.WriteDefinitionAsync(folder, "odd");
        var written = DefinitionJson.Read(await File.ReadAllTextAsync(definition));
        await File.WriteAllTextAsync(definition, DefinitionJson.Write(written with { Columns = new Dictionary<string, ColumnRule>() }));
        string[] train = ["train", file, "--definition", definition, "--data", Data];

        var asJson = await LocalCommand.RunAsync([.. train, "--json"]);
        var forPeople = await LocalCommand.RunAsync(train);

        asJson.ExitCode.Should().Be(0, asJson.Errors);
        var warnings = JsonNode.Parse(asJson.Output)!["warnings"]!.AsArray().Select(warning => warning!.AsObject()).ToList();
        var headlines = warnings.TakeWhile(warning => warning["headline"]?.GetValue<bool>() == true).ToList();
        warnings.Skip(headlines.Count).Should().OnlyContain(warning => !warning.ContainsKey("headline"), "headlines come first");
        Facts("left out because its number of cells").Should().Be("""{"code":"ragged-rows","count":1,"line":42,"example":"cut","headline":true}""");
        Facts("Column 'km'").Should().Be("""{"code":"unreadable-cells","column":"km","count":3,"line":22,"example":"~20 km","headline":true}""");
        Facts("null: fare").Should().Contain("\"count\":5");
        Facts("Column 'shift'").Should().Be("""{"code":"missing-words","column":"shift","count":100,"line":2,"example":"NA"}""");
        Facts("is not used: it is an id").Should().Be("""{"code":"not-used","column":"order_id","count":299,"line":2,"example":"7000.0"}""");

        await using var storage = await ConnectedStorage.OpenAsync(new HostSettings { DataFolder = Data }, new Terminal(), default);
        var run = (string)JsonNode.Parse(asJson.Output)!["run"]!;
        var card = (await storage.Services.GetRequiredService<ArtifactStore>().ReadAsync($"{run}/model-card.md", default)).ToString()
            .Replace("\\", "", StringComparison.Ordinal);
        var lines = forPeople.Output.Split('\n');
        foreach (var warning in warnings)
        {
            var (text, isHeadline) = ((string)warning["text"]!, warning.ContainsKey("headline"));
            lines.Should().Contain($"{(isHeadline ? "Warning:" : "note")} {text}");
            card.Should().Contain(isHeadline ? $"- **{text}**\n" : $"- {text}\n");
        }
        forPeople.Output.Should().Contain("interval of the gain (0 to 0)", "the same model again is neither better nor worse");

        string Facts(string told)
        {
            var warning = warnings.Single(warning => ((string)warning["text"]!).Contains(told, StringComparison.Ordinal)).DeepClone().AsObject();
            warning.Remove("text");
            return warning.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        }
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
