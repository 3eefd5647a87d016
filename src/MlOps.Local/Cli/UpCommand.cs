using System.CommandLine;
using MlOps.Local.Hosting;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>up</c>: the host alone, until it is told to stop.</summary>
internal static class UpCommand
{
    private static readonly Option<bool> ServeOnly = new("--serve-only")
    {
        Description = "Answer predictions and questions; leave runs, triggers and changes to another host on the same --storage",
        Validators =
        {
            result =>
            {
                if (result.GetValueOrDefault<bool>() && !GlobalOptions.HasStorage(result))
                {
                    result.AddError("--serve-only needs --storage: there is nothing to serve in storage that no other host works on.");
                }
            },
        },
    };

    public static Command Create()
    {
        var command = new Command("up", "Start the host: storage, engine, triggers and HTTP");
        command.Add(ServeOnly);
        command.SetAction((parsed, cancel) => RunAsync(GlobalOptions.Read(parsed) with { ServeOnly = parsed.GetValue(ServeOnly) }, cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, CancellationToken cancel)
    {
        var terminal = new Terminal();
        try
        {
            await using var host = await RunningHost.StartAsync(settings, terminal, cancel);
            terminal.Out.MarkupLineInterpolated($"Dashboard: [blue]{new Uri(host.Url, "/dashboard")}[/]");
            terminal.Out.MarkupLineInterpolated($"Serving on [blue]{host.Url}[/]. Ctrl+C stops.");
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var pages = FirstPages.AskAsync(host.Url, host.MachineKey, stop.Token);
            try
            {
                await host.WaitForStopAsync(cancel);
            }
            finally
            {
                await stop.CancelAsync();
                await pages;
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
        return ExitCode.Done;
    }
}
