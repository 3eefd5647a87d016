using System.CommandLine;
using System.CommandLine.Parsing;
using MlOps.Local.Storage;

namespace MlOps.Local.Cli;

/// <summary><c>restore</c>: embedded storage out of a backup.</summary>
internal static class RestoreCommand
{
    private static readonly Argument<string> FileArgument = new("FILE") { Description = "A file that backup has written" };
    private static readonly Option<bool> Force = new("--force") { Description = "Move aside what the data folder holds" };

    public static Command Create()
    {
        var command = new Command("restore", "Make embedded storage out of a backup") { FileArgument, Force };
        command.Validators.Add(RefuseAccounts);
        command.SetAction(RunAsync);
        return command;
    }

    public static void RefuseAccounts(SymbolResult result)
    {
        if (GlobalOptions.HasStorage(result))
        {
            result.AddError("Only embedded storage is backed up and restored; what --storage names has means of its own.");
        }
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        var file = Path.GetFullPath(parsed.GetValue(FileArgument)!);
        if (!File.Exists(file))
        {
            throw new EnvironmentProblemException($"There is no file '{file}'.");
        }
        using var data = DataFolder.Open(GlobalOptions.Read(parsed).DataFolder);
        await AzuriteOrphan.WaitUntilGoneAsync(data.AzuriteFolder, terminal.Say, cancel);
        var (manifest, before) = await StorageRestore.ReadAsync(data.AzuriteFolder, file, parsed.GetValue(Force), cancel);
        terminal.Say($"{manifest.Files.Count} files of {manifest.Created:yyyy-MM-dd HH:mm:ss} UTC are in {data.AzuriteFolder}");
        if (before is not null)
        {
            terminal.Say($"What was there is in {before} now.");
        }
        return ExitCode.Done;
    }
}
