using System.CommandLine;
using MlOps.Local.Storage;
using MlOps.Pipeline.Contracts;

namespace MlOps.Local.Cli;

/// <summary>The verbs, and what a fault of any of them means to the caller.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, Action<IServiceCollection>? services)
    {
        var parsed = Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var problem in parsed.Errors.Select(error => error.Message).Distinct())
            {
                await Console.Error.WriteLineAsync(problem);
            }
            await Console.Error.WriteLineAsync("Run with --help to see the verbs and their options.");
            return ExitCode.Usage;
        }
        using var signals = new StopSignals();
        try
        {
            ModelNames.Check(parsed);
            var configuration = new HostInvocation { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Services = services };
            return await parsed.InvokeAsync(configuration, signals.Token);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (EnvironmentProblemException problem)
        {
            await Console.Error.WriteLineAsync(problem.Message);
            return ExitCode.Usage;
        }
        catch (InputException wrong)
        {
            await Console.Error.WriteLineAsync(wrong.Message);
            return ExitCode.Failed;
        }
        catch (Exception fault) when (TransientFaults.IsTransient(fault) && !GlobalOptions.Read(parsed).Verbose)
        {
            var more = FaultText.IsOfTheMachine(fault) ? "" : " Run again with --verbose to see more.";
            await Console.Error.WriteLineAsync(FaultText.Of(fault) + more);
            return ExitCode.Usage;
        }
    }

    internal static ParseResult Parse(string[] args) => Root().Parse(WithDefaultVerb(args));

    /// <summary>A person who names no verb wants to see what this is.</summary>
    private static string[] WithDefaultVerb(string[] args) =>
        args is [] || (args[0].StartsWith('-') && args[0] is not ("--help" or "-h" or "-?" or "--version")) ? ["demo", .. args] : args;

    private static RootCommand Root()
    {
        var root = new RootCommand("Takes a table from raw file to a served model. Without a verb: demo.")
        {
            DemoCommand.Create(), UpCommand.Create(), NewCommand.Create(), TrainCommand.Create(), PredictCommand.Create(),
            RunsCommand.Create(), ModelsCommand.Create(), PromoteCommand.Create(), CopyCommand.Create(), RollbackCommand.Create(), TrafficCommand.Create(),
            CanaryCommand.Create(), ScoreCommand.Create(), FeedbackCommand.Create(),
            DataCommand.Create(), ReproduceCommand.Create(), DeleteCommand.Create(), PredictionsCommand.Create(), DoctorCommand.Create(), KeysCommand.Create(),
            AuditCommand.Create(), BackupCommand.Create(), RestoreCommand.Create(), CompletionCommand.Create(),
        };
        ProgramVersion.PrintIn(root);
        foreach (var option in GlobalOptions.All)
        {
            root.Add(option);
        }
        return root;
    }
}
