using System.Diagnostics;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

public sealed class CompletionTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-completion-").FullName;

    [Theory]
    [InlineData("mlops tr", "traffic", "train")]
    [InlineData(
        "mlops ", "audit", "backup", "canary", "completion", "copy", "data", "delete", "demo", "doctor", "feedback", "keys", "models", "new", "predict",
        "predictions", "promote", "reproduce", "restore",
        "rollback", "runs", "score", "traffic", "train", "up")]
    [InlineData("mlops delete ", "alias", "definition", "file", "model", "run", "version")]
    [InlineData("mlops train trips.csv --ta", "--target", "--task")]
    [InlineData("mlops train \"my trips.csv\" --task ", "binary", "multiclass", "regression")]
    [InlineData("mlops data export v", "validation")]
    [InlineData("mlops data d", "diff")]
    [InlineData("mlops runs a --log cl", "clean", "clean-part")]
    [InlineData("mlops train tri")]
    public async Task Bash_completes_what_the_program_suggests(string line, params string[] suggestions)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        var (exitCode, output, errors) = await BashAsync($$"""
            source <(mlops completion bash)
            complete -p mlops > /dev/null
            COMP_LINE={{Quoted(line)}} COMP_POINT={{line.Length}}
            eval "COMP_WORDS=({{line.Replace("\"", "\\\"", StringComparison.Ordinal)}})"
            [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
            _mlops mlops
            printf '%s\n' "${COMPREPLY[@]}"
            """);

        exitCode.Should().Be(0, errors);
        errors.Should().BeEmpty();
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().BeEquivalentTo(suggestions);
    }

    [Theory]
    [InlineData("zsh", "compdef _mlops mlops")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName mlops")]
    public async Task Other_shells_have_a_script_of_their_own(string shell, string registration)
    {
        var (exitCode, output, errors) = await LocalProcess.RunAsync("completion", shell);

        exitCode.Should().Be(0, errors);
        output.Should().Contain(registration).And.Contain("[suggest:");
    }

    [Fact]
    public async Task A_shell_without_a_script_is_refused_with_those_that_have_one()
    {
        var (exitCode, _, errors) = await LocalProcess.RunAsync("completion", "fish");

        exitCode.Should().Be(2);
        errors.Should().Contain("'bash'").And.Contain("'zsh'").And.Contain("'pwsh'");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Quoted(string text) => $"'{text}'";

    /// <summary>Runs a script in a shell that finds the program as <c>mlops</c>.</summary>
    private async Task<(int ExitCode, string Output, string Errors)> BashAsync(string script)
    {
        var program = Path.Combine(folder, "mlops");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "MlOps.Local.dll")}' \"$@\"\n");
        var start = new ProcessStartInfo("bash", ["--norc", "-c", $"set -e; chmod u+x '{program}'\n{script}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = folder + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH");
        using var bash = Process.Start(start)!;
        var errors = bash.StandardError.ReadToEndAsync();
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        return (bash.ExitCode, output, await errors);
    }
}
