using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>audit</c>: who decided what.</summary>
internal static class AuditCommand
{
    public static Command Create()
    {
        var command = new Command("audit", "Show who promoted, rolled back, approved, defined, deleted, and made keys");
        PageOptions.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>Does what a command decides, and puts it into the trail under the name of who runs it.</summary>
    public static Task RecordAsync(
        ConnectedStorage storage, string action, string subject, Func<Task<(string? From, string? To)>> act, CancellationToken cancel) =>
        RecordAsync(storage.Services, action, subject, act, cancel);

    /// <summary>The same where the command has a host of its own.</summary>
    public static Task RecordAsync(
        IServiceProvider services, string action, string subject, Func<Task<(string? From, string? To)>> act, CancellationToken cancel) =>
        services.GetRequiredService<AuditTrail>().RecordAsync($"{Environment.UserName}@{Environment.MachineName}", action, subject, act, cancel);

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var trail = storage.Services.GetRequiredService<AuditTrail>();
        var page = await PageOptions.ReadAsync(parsed, (take, next) => trail.ListAsync(take, next, cancel));
        var table = Terminal.Table("At (UTC)", "By", "Did", "Of", "From", "To", "Outcome");
        foreach (var entry in page.Items)
        {
            string[] cells =
            [
                entry.At.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), entry.By, entry.Action, entry.Subject, entry.From ?? "",
                entry.To ?? "", entry.Outcome.ToString().ToLowerInvariant() + (entry.Detail is { } why ? $": {why}" : ""),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        terminal.Out.Write(table);
        PageOptions.Tell(terminal, page);
        return ExitCode.Done;
    }
}
