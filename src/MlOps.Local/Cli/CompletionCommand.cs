using System.CommandLine;

namespace MlOps.Local.Cli;

/// <summary><c>completion</c>: a shell's script that completes verbs, options and their values, by asking the program itself.</summary>
internal static class CompletionCommand
{
    private static readonly Argument<string> Shell = new("SHELL") { Description = "bash, zsh or pwsh" };

    public static Command Create()
    {
        Shell.AcceptOnlyFromAmong("bash", "zsh", "pwsh");
        var command = new Command("completion", "Print the script that completes this command in a shell; its first lines say where it goes") { Shell };
        command.SetAction(parsed =>
        {
            Console.Out.Write(Script(parsed.GetValue(Shell)!));
            return ExitCode.Done;
        });
        return command;
    }

    private static string Script(string shell)
    {
        using var stream = typeof(CompletionCommand).Assembly.GetManifestResourceStream($"completion.{shell}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
