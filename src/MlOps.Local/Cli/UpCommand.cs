using System.CommandLine;
using MlOps.Local.Hosting;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>up</c>: the host alone, until it is told to stop.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var command = new Command("up", "Start the host: storage, engine, triggers and HTTP");
        command.SetAction((parsed, cancel) => RunAsync(GlobalOptions.Read(parsed), cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, CancellationToken cancel)
    {
        var terminal = new Terminal();
        try
        {
            await using var session = await Session.StartAsync(settings, terminal, cancel);
            terminal.Out.MarkupLineInterpolated($"Serving on [blue]{session.Url}[/]. Ctrl+C stops.");
            await session.WaitForStopAsync(cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
        return ExitCode.Done;
    }
}
