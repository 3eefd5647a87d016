using System.CommandLine;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>predictions</c>: what is kept of one person or thing, by the key that its rows were sent with.</summary>
internal static class PredictionsCommand
{
    private const int MostDays = 3660;

    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };
    private static readonly Option<string> Key = new("--key") { Description = "As it was sent with the rows", HelpName = "KEY", Required = true };

    private static readonly Option<int> Days = new("--days")
    {
        Description = $"Rows of the last days, today among them, 1 to {MostDays}",
        HelpName = "N",
        DefaultValueFactory = _ => 90,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var days) && days is < 1 or > MostDays)
                {
                    result.AddError($"--days is {days}; it must be 1 to {MostDays}.");
                }
            },
        },
    };

    public static Command Create()
    {
        var export = new Command("export", "Print the kept rows of a key with their predictions, a JSON line each") { Model, Key, Days };
        export.SetAction(ExportAsync);
        var delete = new Command("delete", "Delete the kept rows of a key, of all days") { Model, Key };
        delete.SetAction(DeleteAsync);
        return new Command("predictions", "Export or delete what is kept of the predictions of one person or thing") { export, delete };
    }

    private static async Task<int> ExportAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal(isForProgram: true);
        var (model, key) = Read(parsed);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        await using var output = Console.OpenStandardOutput();
        var rows = await storage.Services.GetRequiredService<KeyedRows>().ExportAsync(model, key, parsed.GetValue(Days), output, cancel);
        terminal.Say($"{rows} rows.");
        return ExitCode.Done;
    }

    private static async Task<int> DeleteAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        var (model, key) = Read(parsed);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var deleted = new DeletedRows(0, 0);
        await AuditCommand.RecordAsync(
            storage, "delete predictions", $"models/{model}/predictions",
            async () =>
            {
                deleted = await storage.Services.GetRequiredService<KeyDeletion>().DeleteAsync(model, key, cancel);
                return (RowKey.FingerprintOf(key), $"{deleted.Rows} rows deleted");
            },
            cancel);
        terminal.Out.MarkupLineInterpolated(
            $"[green]Deleted {deleted.Rows} rows from {deleted.Files} files of the prediction log, and {deleted.Feedback} rows of feedback.[/]");
        return ExitCode.Done;
    }

    private static (string Model, string Key) Read(ParseResult parsed)
    {
        var (model, key) = (parsed.GetValue(Model)!, parsed.GetValue(Key)!);
        return RowKey.ProblemOf(key) is { } problem ? throw new InputException($"--key {problem}") : (model, key);
    }
}
