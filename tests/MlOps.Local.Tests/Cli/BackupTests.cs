using Microsoft.VisualBasic.FileIO;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary><c>backup</c> of a host that works, and <c>restore</c> elsewhere.</summary>
public sealed class BackupTests : IDisposable
{
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-backup-").FullName;

    [Fact]
    public async Task A_backup_under_load_holds_what_was_answered_before_it_began()
    {
        var answered = new Acknowledged();
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (var host = await EmbeddedHost.StartAsync(Data))
        {
            await host.DeclareAsync(Trips.Definition(Model, trees: 1));
            await host.UploadAsync(Model, "may.csv", await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200)));
            var run = await host.RunAsync(Model, "may.csv");
            await host.EndOfAsync(run);
            answered.See(await host.GetAsync($"/runs/{run}"));
            answered.Runs.GetOrAdd(await host.RunAsync(Model, "may.csv"), _ => new());
            foreach (var number in Enumerable.Range(1, 10))
            {
                var stored = await host.UploadAsync("files", $"{number}.bin", [.. Enumerable.Repeat((byte)number, 1_000 * number)]);
                answered.Files[$"files/{number}.bin"] = stored.GetProperty("sha256").GetString()!;
            }
            using var stop = new CancellationTokenSource();
            var load = LoadAsync(host, stop.Token);

            var written = await LocalCommand.RunAsync("backup", backup, "--data", Data);
            var again = await LocalCommand.RunAsync("backup", backup, "--data", Data);
            await stop.CancelAsync();
            await load;

            written.ExitCode.Should().Be(0, written.Errors);
            (again.ExitCode, again.Errors).Should().Be((2, $"There is a file {backup} already: name another one."));
        }
        var elsewhere = Path.Combine(folder, "elsewhere");
        var restored = await LocalCommand.RunAsync("restore", backup, "--data", elsewhere);

        restored.ExitCode.Should().Be(0, restored.Errors);
        await using var next = await EmbeddedHost.StartAsync(elsewhere);
        await answered.AssertKeptAsync(next, Model, "it was answered before the backup began");
        foreach (var run in answered.Runs.Keys)
        {
            (await next.EndOfAsync(run)).GetProperty("state").GetString().Should().BeOneOf("succeeded", "blocked");
        }
    }

    /// <summary>Columns, cells and files that are called as paths, markup or commands are: data and names, wherever they go.</summary>
    [Fact]
    public async Task Names_that_lead_elsewhere_stay_names_through_backup_restore_export_and_checkout()
    {
        var table = WriteHostileTable();
        var definition = Path.Combine(folder, "definition.json");
        var columns = HostileNames.ToDictionary(name => name, _ => new ColumnRule { Kind = ColumnKind.Categorical });
        await File.WriteAllTextAsync(definition, DefinitionJson.Write(Trips.Definition(Model, trees: 1) with { Target = "y", Columns = columns }));
        var backup = Path.Combine(folder, "backup.tar.gz");
        var elsewhere = Path.Combine(folder, "elsewhere");
        var (export, checkout) = (Path.Combine(folder, "export [1]'s", "raw.csv"), Path.Combine(folder, "checkout; rm -rf"));
        Directory.CreateDirectory(Path.GetDirectoryName(export)!);

        await RunAsync("train", table, "--definition", definition, "--data", Data);
        await RunAsync("backup", backup, "--data", Data);
        await RunAsync("restore", backup, "--data", elsewhere);
        await using (var host = await EmbeddedHost.StartAsync(elsewhere))
        {
            await RunAsync("data", "export", "raw", "--model", Model, "--out", export, "--data", elsewhere);
            await RunAsync("data", "checkout", $"{Model}@latest", "--out", checkout, "--data", elsewhere);
            foreach (var model in new[] { "../x", "..", "a/b", "\"><script>", new string('m', 5_000) })
            {
                var refused = await LocalCommand.RunAsync("data", "export", "raw", "--model", model, "--out", export, "--data", elsewhere);
                refused.ExitCode.Should().Be(ExitCode.Failed, refused.Errors);
                refused.Errors.Should().Contain("must be 1 to 63 lower-case letters");
                refused = await LocalCommand.RunAsync("data", "checkout", $"{model}@latest", "--out", checkout, "--data", elsewhere);
                refused.ExitCode.Should().Be(ExitCode.Failed, refused.Errors);
                refused.Errors.Should().Contain("must be 1 to 63 lower-case letters");
            }
        }

        foreach (var written in new[] { export, Path.Combine(checkout, $"{Model}-raw.csv") })
        {
            CellsOf(written).Should().BeEquivalentTo(CellsOf(table), "it is {0}", written);
        }
        Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Should().BeEquivalentTo(
            Path.GetFileName(table), "definition.json", "backup.tar.gz", "data", "elsewhere", "export [1]'s", "checkout; rm -rf");
        Directory.GetFiles(Path.GetDirectoryName(export)!).Should().ContainSingle();
        Directory.GetFiles(checkout).Select(Path.GetFileName).Should().BeEquivalentTo($"{Model}-raw.csv", "dataset.json");
    }

    [Fact]
    public async Task Storage_that_is_there_is_only_moved_aside_and_only_when_asked()
    {
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (await EmbeddedHost.StartAsync(Data))
        {
            (await LocalCommand.RunAsync("backup", backup, "--data", Data)).ExitCode.Should().Be(0);
            var inUse = await LocalCommand.RunAsync("restore", backup, "--force", "--data", Data);
            inUse.ExitCode.Should().Be(2);
            inUse.Errors.Should().StartWith($"The data folder {Data} is in use by another process");
        }

        var refused = await LocalCommand.RunAsync("restore", backup, "--data", Data);
        var forced = await LocalCommand.RunAsync("restore", backup, "--force", "--data", Data);

        refused.ExitCode.Should().Be(2);
        refused.Errors.Should().StartWith($"{Path.Combine(Data, "azurite")} is not empty: ");
        forced.ExitCode.Should().Be(0, forced.Errors);
        Directory.GetDirectories(Data, "azurite-before-*").Should().ContainSingle();
        Directory.GetDirectories(Data, "azurite-restoring-*").Should().BeEmpty();
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.98)]
    public async Task A_backup_that_is_not_whole_changes_nothing(double kept)
    {
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (await EmbeddedHost.StartAsync(Data))
        {
            (await LocalCommand.RunAsync("backup", backup, "--data", Data)).ExitCode.Should().Be(0);
        }
        using (var file = File.OpenWrite(backup))
        {
            file.SetLength((long)(file.Length * kept));
        }
        var elsewhere = Path.Combine(folder, "elsewhere");

        var restored = await LocalCommand.RunAsync("restore", backup, "--data", elsewhere);

        restored.ExitCode.Should().Be(2);
        restored.Errors.Should().Match($"The backup {backup} cannot be restored: * Nothing was changed.");
        Directory.GetDirectories(elsewhere).Should().BeEmpty();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Data => Path.Combine(folder, "data");

    private static IReadOnlyList<string> HostileNames { get; } =
    [
        "../x", "a/b", "..\\..\\x", "/etc/passwd", "C:\\x", "\"><script>alert(1)</script>", "'; COPY (SELECT 1) TO 'pwned.csv'; --", "=1+1", "tab\tname",
        "line\nend", "bell\a\u001b[2J", "\u202egpj.exe", "$(touch pwned)", "%s{0}", new string('n', 1_000),
    ];

    /// <summary>Each column is called as the cells of another one are.</summary>
    private string WriteHostileTable()
    {
        var path = Path.Combine(folder, "it's [1] & co; --.csv");
        var lines = new List<string> { Line([.. HostileNames, "x", "y"]) };
        for (var row = 0; row < 120; row++)
        {
            lines.Add(Line([.. HostileNames.Select((_, column) => HostileNames[(row + column) % HostileNames.Count]), $"{row * 7 % 31}.5", $"{row % 31}.5"]));
        }
        File.WriteAllText(path, string.Concat(lines));
        return path;

        static string Line(IEnumerable<string> cells) =>
            string.Join(',', cells.Select(cell => $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"")) + "\n";
    }

    /// <summary>Header and rows; in which order rows are is no matter.</summary>
    private static List<string> CellsOf(string csv)
    {
        using var reader = new TextFieldParser(csv) { Delimiters = [","], HasFieldsEnclosedInQuotes = true, TrimWhiteSpace = false };
        var rows = new List<string>();
        while (reader.ReadFields() is { } cells)
        {
            rows.Add(string.Join('|', cells));
        }
        return rows;
    }

    private static async Task RunAsync(params string[] command)
    {
        var (code, output, errors) = await LocalCommand.RunAsync(command);
        code.Should().Be(ExitCode.Done, $"{string.Join(' ', command)}: {output}{errors}");
    }

    private static async Task LoadAsync(EmbeddedHost host, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            await host.UploadAsync("load", $"{number % 20}.bin", new byte[5_000]);
        }
    }
}
