using System.Text.Json.Nodes;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;
using MlOps.Testing.Docs;

namespace MlOps.Local.Tests.Docs;

/// <summary>Commands of README and docs that are cheap are run, one after another, beside one host. The words are those of the docs.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class DocRunTests(AzuriteFixture azurite) : IDisposable
{
    private const string Model = "taxi-fare";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-docs-").FullName;

    private string Data => Path.Combine(folder, "data");

    [UnixFact]
    public async Task Commands_do_what_is_said()
    {
        var commands = (await DocCommand.ReadAllAsync()).SelectMany(command => command.Calls).Select(DocProgram.WordsOf).OfType<string[]>()
            .DistinctBy(words => string.Join(' ', words)).ToList();
        var file = await Trips.WriteAsync(folder, rows: 400);
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace(",fare\n", ",fare_amount\n", StringComparison.Ordinal));
        File.Copy(file, Path.Combine(folder, "december.csv"));
        await using var host = LocalProcess.Start("up", "--port", "0", "--data", Data);
        await host.PrintedAsync("Serving on");
        var ran = new List<string>();

        foreach (var words in commands.Where(words => !IsRunElsewhere(words)))
        {
            await PrepareAsync(words);
            var (code, output, errors) = await LocalCommand.RunAsync(
                [.. words.Select(Here), .. words is ["new", var model, ..] ? ["--out", Here($"{model}.json")] : Array.Empty<string>(), "--data", Data]);

            code.Should().Be(0, "{0} says {1} {2}", string.Join(' ', words), output, errors);
            output.Should().NotBeEmpty(words[0]);
            ran.Add(words is ["keys", ..] ? $"{words[0]} {words[1]}" : words[0]);
        }

        ran.Should().BeEquivalentTo("new", "train", "completion", "keys add", "keys list", "keys revoke", "score", "score", "doctor", "backup");
        DefinitionJson.Read(await File.ReadAllTextAsync(Path.Combine(folder, "trips.json"))).Target.Should().Be("fare_amount");
        new FileInfo(Path.Combine(folder, "scored.parquet")).Length.Should().BeGreaterThan(100);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>What tests of its own run already: the demo, a host, the README's first training as a process, and the sample of what is added.</summary>
    private static bool IsRunElsewhere(string[] words) => words switch
    {
        [] or ["demo", ..] or ["up"] => true,
        ["train", "trips.csv", "--target", "fare_amount"] => true,
        ["train", "rides.csv", "--definition", "samples/Extensions/rides.json"] => true,
        _ => false,
    };

    private async Task PrepareAsync(string[] words)
    {
        if (words is ["train", _, "--definition", var written])
        {
            // "to edit", says the README: less to train, and of the model that other commands name.
            var definition = JsonNode.Parse(await File.ReadAllTextAsync(Here(written)))!;
            definition["model"] = Model;
            definition["train"] = new JsonObject { ["folds"] = 0 };
            definition["candidates"] = new JsonArray(new JsonObject { ["trainer"] = "lightgbm", ["trees"] = 10 });
            await File.WriteAllTextAsync(Here(written), definition.ToJsonString(Json.Options));
        }
        else if (words is ["score", Model, _, "--version", ..])
        {
            var tagged = await LocalCommand.RunAsync("data", "tag", $"{Model}@latest", "golden", "--data", Data);
            tagged.ExitCode.Should().Be(0, tagged.Errors);
        }
    }

    /// <summary>Files are this test's, and so is the account; of the model there is one version.</summary>
    private string Here(string word) => word switch
    {
        "CONNECTION" => azurite.ConnectionString,
        "3" => "1",
        _ when Path.GetExtension(word) is ".csv" or ".json" or ".parquet" or ".gz" => Path.Combine(folder, word),
        _ => word,
    };
}
