using MlOps.Local;

namespace MlOps.Testing;

/// <summary>
/// A command of the local host's program in this process: what it prints and how it ends, without a start that compiles everything anew. For tests of what a
/// command does; <see cref="LocalProcess"/> is for those of the program and its machine. The console is this process's one: tests run one after another.
/// </summary>
public static class LocalCommand
{
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params IEnumerable<string> arguments)
    {
        var (output, errors) = (Console.Out, Console.Error);
        using var printed = new StringWriter();
        using var told = new StringWriter();
        Console.SetOut(TextWriter.Synchronized(printed));
        Console.SetError(TextWriter.Synchronized(told));
        try
        {
            var code = await MlOpsProgram.RunAsync([.. arguments]);
            return (code, Lines(printed), Lines(told));
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    /// <summary>As <see cref="LocalProcess.Output"/> has them: without the end of the last line.</summary>
    private static string Lines(StringWriter text)
    {
        var whole = text.ToString().ReplaceLineEndings("\n");
        return whole.EndsWith('\n') ? whole[..^1] : whole;
    }
}
