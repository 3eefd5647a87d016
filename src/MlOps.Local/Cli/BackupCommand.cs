using System.CommandLine;
using MlOps.Local.Storage;

namespace MlOps.Local.Cli;

/// <summary><c>backup</c>: embedded storage as one file, also of a host that runs.</summary>
internal static class BackupCommand
{
    private static readonly Argument<string> FileArgument = new("FILE") { Description = "Archive to write, such as mlops.tar.gz" };

    public static Command Create()
    {
        var command = new Command("backup", "Write all of embedded storage into one file, while the host runs or not") { FileArgument };
        command.Validators.Add(RestoreCommand.RefuseAccounts);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var file = Path.GetFullPath(parsed.GetValue(FileArgument)!);
        var folder = Path.Combine(Path.GetFullPath(GlobalOptions.Read(parsed).DataFolder), DataFolder.AzuriteName);
        var manifest = await StorageBackup.WriteAsync(folder, file, cancel);
        new Terminal().Say($"{manifest.Files.Count} files of {manifest.Created:yyyy-MM-dd HH:mm:ss} UTC in {file}");
        return ExitCode.Done;
    }
}
