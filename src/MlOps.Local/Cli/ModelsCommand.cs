using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>models</c>: the registry.</summary>
internal static class ModelsCommand
{
    /// <summary>Of a model in the list; of a model by itself the options say how many.</summary>
    private const int FewVersions = 5;

    private static readonly Argument<string?> Model = new("MODEL") { Description = "Show the versions of this model", Arity = ArgumentArity.ZeroOrOne };

    public static Command Create()
    {
        var command = new Command("models", "Show the registered models with their newest versions, or the versions of one") { Model };
        PageOptions.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var registry = storage.Services.GetRequiredService<ModelRegistry>();
        await (parsed.GetValue(Model) is { } name
            ? ShowVersionsAsync(name, registry, terminal, parsed, cancel)
            : ShowModelsAsync(registry, terminal, parsed, cancel));
        return ExitCode.Done;
    }

    private static async Task ShowVersionsAsync(string name, ModelRegistry registry, Terminal terminal, ParseResult parsed, CancellationToken cancel)
    {
        var model = await registry.FindAsync(name, cancel)
            ?? throw new InputException($"There is no model '{name}'. 'models' without a name lists those there are.");
        var page = await PageOptions.ReadAsync(parsed, (take, next) => registry.ListVersionsAsync(name, take, next, cancel));
        terminal.Out.Write(Draw(page.Items.Select(version => (model, version))));
        PageOptions.Tell(terminal, page);
    }

    private static async Task ShowModelsAsync(ModelRegistry registry, Terminal terminal, ParseResult parsed, CancellationToken cancel)
    {
        var page = await PageOptions.ReadAsync(parsed, (take, next) => registry.ListAsync(take, next, cancel));
        var rows = new List<(RegisteredModel, ModelVersion)>();
        var hasOlder = false;
        foreach (var model in page.Items)
        {
            var versions = await registry.ListVersionsAsync(model.Model, FewVersions, next: null, cancel);
            rows.AddRange(versions.Items.Select(version => (model, version)));
            hasOlder |= versions.Next is not null;
        }
        terminal.Out.Write(Draw(rows));
        if (hasOlder)
        {
            terminal.SayWhole($"Of each model the newest {FewVersions} versions: 'models MODEL' shows one with older versions.");
        }
        PageOptions.Tell(terminal, page);
    }

    private static Table Draw(IEnumerable<(RegisteredModel Model, ModelVersion Version)> versions)
    {
        var table = Terminal.Table("Model", "Version", "Aliases", "Trained by", "Created (UTC)", "Metrics");
        foreach (var (model, version) in versions)
        {
            table.AddRow(Cells(model, version).Select(cell => new Text(cell)));
        }
        return table;
    }

    private static string[] Cells(RegisteredModel model, ModelVersion version) =>
    [
        model.Model, version.Version.ToString(CultureInfo.InvariantCulture),
        string.Join(", ", model.Aliases.Where(alias => alias.Value == version.Version).Select(alias => alias.Key)),
        version.RunId, version.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        string.Join(", ", version.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:G4}"))),
    ];
}
