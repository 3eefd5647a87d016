using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>models</c>: the registry.</summary>
internal static class ModelsCommand
{
    public static Command Create()
    {
        var command = new Command("models", "Show the registered models and their versions");
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var registry = storage.Services.GetRequiredService<ModelRegistry>();
        var table = Terminal.Table("Model", "Version", "Aliases", "Trained by", "Created (UTC)", "Metrics");
        foreach (var model in await registry.ListAsync(cancel))
        {
            foreach (var version in await registry.ListVersionsAsync(model.Model, cancel))
            {
                table.AddRow(Cells(model, version).Select(cell => new Text(cell)));
            }
        }
        terminal.Out.Write(table);
        return ExitCode.Done;
    }

    private static string[] Cells(RegisteredModel model, ModelVersion version) =>
    [
        model.Model, version.Version.ToString(CultureInfo.InvariantCulture),
        string.Join(", ", model.Aliases.Where(alias => alias.Value == version.Version).Select(alias => alias.Key)),
        version.RunId, version.Created.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        string.Join(", ", version.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:G4}"))),
    ];
}
