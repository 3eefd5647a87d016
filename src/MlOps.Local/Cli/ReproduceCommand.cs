using System.CommandLine;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

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
        var settings = GlobalOptions.Read(parsed);
        await using var storage = await ConnectedStorage.OpenAsync(settings, terminal, cancel);
        var runs = storage.Services.GetRequiredService<RunStore>();
        var runId = parsed.GetValue(RunArgument)!;
        var details = await runs.FindDetailsAsync(runId, cancel) ?? throw new InputException($"There is no run '{runId}'. The command 'runs' lists the runs.");
        var plan = await PlanAsync(storage.Services, details, cancel);
        var expected = await storage.Services.GetRequiredService<RunFacts>().ReadAsync(details, cancel);

        var scratch = Directory.CreateTempSubdirectory("mlops-reproduce-").FullName;
        try
        {
            var found = await RunAgainAsync(Scratch(settings, scratch), storage.Services, plan, terminal, cancel);
            return Tell(terminal, expected, found);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>What the run ran on: its raw rows, its definition, and the columns that it split by where production had chosen them.</summary>
    private static async Task<(PipelineDefinition Definition, string Raw)> PlanAsync(IServiceProvider services, RunDetails details, CancellationToken cancel)
    {
        var run = details.Run;
        var ingested = await services.GetRequiredService<RunStore>().FindResultAsync(run.RunId, IngestStage.Name, "", cancel)
            ?? throw new InputException($"Run '{run.RunId}' read no table: there is nothing to run again.");
        var definition = await services.GetRequiredService<DefinitionStore>().GetSnapshotAsync(run.DefinitionId, cancel);
        var (raw, key) = (Json.Read<IngestOutput>(ingested).Raw.Id, Json.Read<IngestOutput>(ingested).SplitKey);
        // Whoever was asked for an approval then is not asked again.
        return (
            definition with
            {
                Split = definition.Split with { Key = key ?? definition.Split.Key },
                Gates = definition.Gates with { Approval = new ApprovalRule() },
            },
            raw);
    }

    /// <summary>The same host on a storage of its own, from which nobody is told anything.</summary>
    private static HostSettings Scratch(HostSettings settings, string folder) => settings with
    {
        DataFolder = folder,
        Storage = null,
        Port = 0,
        Services = services =>
        {
            settings.Services?.Invoke(services);
            services.RemoveAll<IAlertChannel>().RemoveAll<OpenLineageOptions>().AddSingleton(new OpenLineageOptions());
        },
    };

    private static async Task<IReadOnlyList<RunFact>> RunAgainAsync(
        HostSettings settings, IServiceProvider original, (PipelineDefinition Definition, string Raw) plan, Terminal terminal, CancellationToken cancel)
    {
        await using var storage = await LocalStorage.OwnAsync(settings, terminal.Say, cancel);
        await using var host = await LocalHost.StartAsync(settings, storage, HostParts.Engine, cancel);
        var services = host.Services;
        await DataCopy.CopyAsync(original.GetRequiredService<PipelineStorage>(), services.GetRequiredService<PipelineStorage>(), plan.Raw, cancel);
        await services.GetRequiredService<DefinitionStore>().PutAsync(plan.Definition, cancel);
        var run = await services.GetRequiredService<RunStarter>().StartAsync(
            plan.Definition.Model, StoredSource.Of(plan.Raw), "reproduce", cancel);
        var details = await new RunFollower(services.GetRequiredService<RunStore>(), terminal).FollowAsync(run.RunId, plan.Definition.CandidateKeys, cancel);
        if (details.Run.Error is { } error)
        {
            terminal.SayWhole($"The run failed this time: {error}");
        }
        return await services.GetRequiredService<RunFacts>().ReadAsync(details, cancel);
    }

    private static int Tell(Terminal terminal, IReadOnlyList<RunFact> expected, IReadOnlyList<RunFact> found)
    {
        if (RunFacts.FirstDifference(expected, found) is not var (first, second))
        {
            terminal.SayWhole($"The same: {expected.Count} facts compared (rows and bytes of tables, bytes of models, metrics).");
            return ExitCode.Done;
        }
        terminal.SayWhole($"Not the same. The first difference: {first.What} was {first.Value}, and is {second ?? "missing"} now.");
        return ExitCode.Failed;
    }
}
