using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>data</c>: the dataset versions behind a model, and a copy of one as a file.</summary>
internal static class DataCommand
{
    private static readonly Option<string> Model = new("--model") { Description = "Whose data", HelpName = "NAME", Required = true };
    private static readonly Option<int?> Version = new("--version") { Description = "Model version [default: the newest]", HelpName = "N" };
    private static readonly Argument<string> Stage = new("STAGE") { Description = "raw, clean, features, train, validation or test" };
    private static readonly Option<string> Out = new("--out") { Description = "File to write: .csv or .parquet", HelpName = "FILE", Required = true };

    public static Command Create()
    {
        Stage.AcceptOnlyFromAmong([.. DataEntry.Stages]);
        var export = new Command("export", "Write one of them to a file") { Stage, Model, Version, Out };
        export.SetAction(ExportAsync);
        var command = new Command("data", "Show the dataset versions that a model version comes from") { Model, Version, export };
        DataVersionCommands.AddTo(command);
        command.SetAction(ListAsync);
        return command;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var datasets = storage.Services.GetRequiredService<DatasetStore>();
        var table = Terminal.Table("Data", "Version", "Rows", "Columns", "Parts", "Created (UTC)");
        foreach (var (name, id) in Lineage(await VersionAsync(storage.Services, parsed, cancel)))
        {
            var manifest = await datasets.GetAsync(id, cancel);
            table.AddRow(
                name, id, manifest.Rows.ToString("N0", CultureInfo.InvariantCulture), manifest.Columns.Count.ToString(CultureInfo.InvariantCulture),
                manifest.Parts.Count.ToString(CultureInfo.InvariantCulture),
                manifest.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));
        }
        terminal.Out.Write(table);
        return ExitCode.Done;
    }

    private static async Task<int> ExportAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var version = await VersionAsync(storage.Services, parsed, cancel);
        var stage = parsed.GetValue(Stage)!;
        var id = Lineage(version).ToDictionary(data => data.Name, data => data.Id).GetValueOrDefault(stage)
            ?? throw new InputException($"Version {version.Version} of {version.Model} has no {stage} rows: it was split without split.test.");
        var path = Path.GetFullPath(parsed.GetValue(Out)!);
        var rows = await storage.Services.GetRequiredService<DatasetExport>().WriteAsync(id, path, cancel);
        terminal.Say($"{rows:N0} rows of version {id} in {path}");
        return ExitCode.Done;
    }

    private static async Task<ModelVersion> VersionAsync(IServiceProvider services, ParseResult parsed, CancellationToken cancel)
    {
        var registry = services.GetRequiredService<ModelRegistry>();
        var name = parsed.GetValue(Model)!;
        if (parsed.GetValue(Version) is { } version)
        {
            return await registry.GetAsync(name, version, cancel);
        }
        return await registry.ListVersionsAsync(name, take: 1, next: null, cancel) is { Items: [var newest, ..] }
            ? newest
            : throw new InputException($"There is no model '{name}'. The command 'models' lists those there are.");
    }

    private static IEnumerable<(string Name, string Id)> Lineage(ModelVersion version) =>
        DataEntry.Stages.Select(stage => (stage, version.Lineage.OfStage(stage)!)).Where(data => data.Item2 is not null);
}
