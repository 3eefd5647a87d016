using System.Text;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>Where a command prints: results on standard output, everything else on standard error when the output is for a program.</summary>
internal sealed class Terminal
{
    private const int WidthOfFiles = 1000;

    /// <param name="isForProgram">True when standard output carries nothing but one result for a program to read.</param>
    public Terminal(bool isForProgram = false)
    {
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        Out = Create(Console.Out, Console.IsOutputRedirected);
        Error = Create(Console.Error, Console.IsErrorRedirected);
        Story = isForProgram ? Error : Out;
        IsLive = !isForProgram && !Console.IsOutputRedirected && Out.Profile.Capabilities is { Ansi: true, Interactive: true };
    }

    public IAnsiConsole Out { get; }

    public IAnsiConsole Error { get; }

    /// <summary>Where a command tells what it is doing.</summary>
    public IAnsiConsole Story { get; }

    /// <summary>True when lines can be drawn over: a person looks at a terminal.</summary>
    public bool IsLive { get; }

    /// <summary>Tells one line of progress.</summary>
    public void Say(string line) => Story.MarkupLineInterpolated($"[grey]{line}[/]");

    /// <summary>Prints a line as it is, not broken to the terminal's width, so that it can be copied.</summary>
    public void SayWhole(string line) => Story.Profile.Out.Writer.WriteLine(line);

    /// <summary>An empty table in the look that all of them have.</summary>
    public static Table Table(params string[] columns) => new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey).AddColumns(columns);

    private static IAnsiConsole Create(TextWriter writer, bool isFile)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Ansi = isFile ? AnsiSupport.No : AnsiSupport.Detect });
        if (isFile)
        {
            console.Profile.Width = WidthOfFiles;
        }
        return console;
    }
}
