using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>canary</c>: a version into production step by step.</summary>
internal static class CanaryCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };
    private static readonly Argument<int> Version = new("VERSION") { Description = "The version that is to go into production" };

    private static readonly Option<int[]?> Steps = new("--steps")
    {
        Description = "Its share of the requests in percent, step by step, such as 5,25 [default: the definition's, else 5,25]",
        HelpName = "PERCENTS",
        CustomParser = ReadSteps,
    };

    private static readonly Option<TimeSpan?> Hold = new("--hold")
    {
        Description = "How long each step lasts, such as 01:00:00 [default: the definition's]",
        HelpName = "TIME",
    };

    public static Command Create()
    {
        var command = new Command("canary", "Bring a version into production step by step, judged by what it answers") { Model, Version, Steps, Hold };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        var (name, version) = (parsed.GetValue(Model)!, parsed.GetValue(Version));
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var canaries = storage.Services.GetRequiredService<CanaryStarter>();
        var runId = "";
        await AuditCommand.RecordAsync(
            storage, "canary", $"models/{name}",
            async () =>
            {
                var run = await canaries.StartAsync(name, version, new CanaryWish(parsed.GetValue(Steps), parsed.GetValue(Hold)), RunTriggers.Cli, cancel);
                runId = run.RunId;
                return (null, $"canary of version {version.ToString(CultureInfo.InvariantCulture)}, run {runId}");
            },
            cancel);
        terminal.Out.WriteLine(runId);
        terminal.Say($"A host ('up') lets version {version} at the requests of model {name} step by step. 'runs {runId}' shows how it goes, 'traffic {name}' "
            + $"who answers; POST /runs/{runId}/approve promotes it now, …/reject takes it out.");
        return ExitCode.Done;
    }

    private static int[]? ReadSteps(ArgumentResult given)
    {
        var percents = new List<int>();
        foreach (var part in given.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var percent))
            {
                given.AddError($"'{part}' is no percent: write --steps 5,25.");
                return null;
            }
            percents.Add(percent);
        }
        return [.. percents];
    }
}
