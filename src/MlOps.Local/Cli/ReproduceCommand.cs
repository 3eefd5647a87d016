using System.CommandLine;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Cli;

/// <summary><c>reproduce</c>: a run once more, on a storage of its own, and whether it comes to the same.</summary>
internal static class ReproduceCommand
{
    private static readonly Argument<string> RunArgument = new("RUN") { Description = "The run's id" };

    public static Command Create()
    {
        var command = new Command("reproduce", "Run a run again from its raw data in a scratch space, and compare tables, models and metrics") { RunArgument };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var reproduction = storage.Services.GetRequiredService<RunReproduction>();
        var runId = parsed.GetValue(RunArgument)!;
        var details = await storage.Services.GetRequiredService<RunStore>().FindDetailsAsync(runId, cancel)
            ?? throw new InputException($"There is no run '{runId}'. The command 'runs' lists the runs.");
        var found = await reproduction.RunAsync(
            await reproduction.PlanAsync(details, cancel), terminal.Say,
            (runs, run, candidates, stop) => new RunFollower(runs, terminal).FollowAsync(run, candidates, stop), cancel);
        foreach (var sentence in found.Sentences)
        {
            terminal.SayWhole(sentence);
        }
        return found.Difference is null ? ExitCode.Done : ExitCode.Failed;
    }
}
