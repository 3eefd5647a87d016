using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

public sealed class NewTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-new-").FullName;

    private string Out => Path.Combine(folder, "taxi.json");

    [Fact]
    public async Task New_writes_a_definition_to_edit_and_names_the_command_that_trains_with_it()
    {
        var file = await Trips.WriteAsync(folder, rows: 400, "my trips.csv");

        var (exitCode, output, errors) = await LocalProcess.RunAsync("new", "taxi", file, "--target", "fare", "--ignore", "trip_id", "--out", Out);

        exitCode.Should().Be(0, errors);
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(Out));
        (definition.Model, definition.Target).Should().Be(("taxi", "fare"));
        definition.Columns["trip_id"].Ignore.Should().BeTrue();
        definition.Columns["payment"].Kind.Should().NotBeNull("what was found in the data stands there to be changed");
        output.Should().Contain($"fare from 7 columns, without trip_id.").And.Contain($"mlops train \"{file}\" --definition {Out}");
    }

    [Theory]
    [InlineData("regression", TaskKind.Regression)]
    [InlineData("multiclass", TaskKind.Multiclass)]
    public async Task The_task_is_what_the_person_says(string task, TaskKind expected)
    {
        var file = Path.Combine(folder, "grades.csv");
        await File.WriteAllTextAsync(file, "points,grade\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i},{i % 3}\n")));

        var (exitCode, _, errors) = await LocalProcess.RunAsync("new", "grades", file, "--target", "grade", "--task", task, "--out", Out);

        exitCode.Should().Be(0, errors);
        DefinitionJson.Read(await File.ReadAllTextAsync(Out)).Task.Should().Be(expected);
    }

    [Fact]
    public async Task A_file_that_is_there_is_written_over_only_by_force()
    {
        var file = await Trips.WriteAsync(folder, rows: 50);
        string[] command = ["new", "taxi", file, "--target", "fare", "--out", Out];
        await File.WriteAllTextAsync(Out, "edited by hand");

        var refused = await LocalProcess.RunAsync(command);
        var kept = await File.ReadAllTextAsync(Out);
        var forced = await LocalProcess.RunAsync([.. command, "--force"]);

        refused.Should().Be((2, "", $"The file '{Out}' is there already: name another one with --out, or write over it with --force."));
        kept.Should().Be("edited by hand");
        forced.ExitCode.Should().Be(0, forced.Errors);
        DefinitionJson.Read(await File.ReadAllTextAsync(Out)).Target.Should().Be("fare");
    }

    [Fact]
    public async Task A_column_that_is_not_there_writes_nothing()
    {
        var file = await Trips.WriteAsync(folder, rows: 50);

        var (exitCode, _, errors) = await LocalProcess.RunAsync("new", "taxi", file, "--target", "fair", "--out", Out);

        exitCode.Should().Be(1);
        errors.Should().Contain("did you mean 'fare'?");
        File.Exists(Out).Should().BeFalse();
    }

    [Theory]
    [InlineData("Name the column to predict: --target COLUMN.", "new", "taxi", "trips.csv")]
    [InlineData("'Taxi!' is no name of a model", "new", "Taxi!", "trips.csv", "--target", "fare")]
    [InlineData("There is no file", "new", "taxi", "not-there.csv", "--target", "fare")]
    public async Task What_is_missing_is_named(string named, params string[] arguments)
    {
        var (exitCode, output, errors) = await LocalProcess.RunAsync(arguments);

        (exitCode, output).Should().Be((2, ""));
        errors.Should().Contain(named);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
