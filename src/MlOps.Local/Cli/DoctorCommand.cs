using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Doctor;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>doctor</c>: whether everything in storage is as it must be.</summary>
internal static class DoctorCommand
{
    private static readonly Option<bool> Repair =
        new("--repair") { Description = "Mend what can be mended without guessing, and delete what nothing refers to" };

    public static Command Create()
    {
        var command = new Command("doctor", "Check that everything in storage is whole, and print what is not") { Repair };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var doctor = storage.Services.GetRequiredService<StorageDoctor>();
        var examination = await doctor.ExamineAsync(cancel);
        if (parsed.GetValue(Repair))
        {
            foreach (var mended in await examination.RepairAsync(cancel))
            {
                terminal.Out.MarkupLineInterpolated($"[green]mended[/] {mended.Where}: {mended.Problem} ({mended.Remedy})");
            }
            examination = await doctor.ExamineAsync(cancel);
        }
        Print(terminal, examination);
        return examination.IsSound ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Print(Terminal terminal, Examination examination)
    {
        foreach (var finding in examination.Findings.Where(finding => finding.Kind == FindingKind.Broken))
        {
            var remedy = finding.Remedy is null ? "" : $" --repair {finding.Remedy}.";
            terminal.Out.MarkupLineInterpolated($"[red]broken[/] {finding.Where}: {finding.Problem}{remedy}");
        }
        foreach (var stopped in examination.Findings.Where(finding => finding.Kind == FindingKind.Stopped))
        {
            terminal.Out.MarkupLineInterpolated($"[yellow]stopped[/] {stopped.Where}: {stopped.Problem}");
        }
        foreach (var orphans in examination.Findings.Where(finding => finding.Kind == FindingKind.Orphan))
        {
            var remedy = orphans.Remedy is null ? "" : $" {Number(orphans.Bytes)} bytes; --repair {orphans.Remedy}.";
            terminal.Out.MarkupLineInterpolated($"[yellow]orphan[/] {orphans.Where}: {orphans.Problem}{remedy}");
        }
        var counts = $"Looked at models: {Number(examination.Models)}, their versions: {Number(examination.Versions)}, dataset versions: "
            + $"{Number(examination.Datasets)}, runs: {Number(examination.Runs)}";
        var broken = examination.Findings.Count(finding => finding.Kind == FindingKind.Broken);
        terminal.Out.MarkupLineInterpolated(
            broken == 0 ? (FormattableString)$"[green]{counts}. All is whole.[/]" : $"[red]{counts}. Broken: {Number(broken)}.[/]");
    }

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
