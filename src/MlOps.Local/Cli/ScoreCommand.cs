using System.CommandLine;
using System.Globalization;
using MlOps.Local.Hosting;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Cli;

/// <summary><c>score</c>: what a version predicts of a whole table.</summary>
internal static class ScoreCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };

    private static readonly Argument<string> Table = new("TABLE")
    {
        Description = "CSV or Parquet file, or MODEL@VERSION: a raw dataset version that there is",
        HelpName = "FILE|MODEL@VERSION",
    };

    private static readonly Option<int?> Version = new("--version")
    {
        Description = "The version that scores [default: the one in production]",
        HelpName = "N",
    };

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Write the scored table to this file, .csv or .parquet",
        HelpName = "FILE",
    };

    public static Command Create()
    {
        var command = new Command("score", "Score a whole table as a run: its columns with what a version predicts of each row") { Model, Table, Version, Out };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Out) is { } path && Path.GetExtension(path).ToLowerInvariant() is not (".csv" or ".parquet"))
            {
                result.AddError($"The ending of '{path}' is not known: name a .csv or a .parquet file.");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var (model, table) = (parsed.GetValue(Model)!, parsed.GetValue(Table)!);
        var file = TrainCommand.VersionOf(table) is null ? Path.GetFullPath(table) : null;
        if (file is not null && !File.Exists(file))
        {
            throw new EnvironmentProblemException($"There is no file '{file}'.");
        }
        var terminal = new Terminal();
        var settings = GlobalOptions.Read(parsed);
        await using var storage = await LocalStorage.OwnOrJoinAsync(settings, terminal.Say, cancel);
        await using var host = await LocalHost.StartAsync(settings, storage, storage.IsOwner ? HostParts.Engine : HostParts.None, cancel);
        storage.Publish(url: null);

        var run = await StartAsync(host.Services, model, new ScoreWish(file, file is null ? table : null, parsed.GetValue(Version)), cancel);
        var details = await new RunFollower(host.Services.GetRequiredService<RunStore>(), terminal).FollowAsync(run.RunId, [], cancel);
        RunOutcome.Print(terminal.Story, details);
        if (details.Run is not { State: RunState.Succeeded, Dataset: { } scored })
        {
            return ExitCode.Failed;
        }
        if (parsed.GetValue(Out) is { } wanted)
        {
            var path = Path.GetFullPath(wanted);
            var rows = await host.Services.GetRequiredService<DatasetExport>().WriteAsync(scored, path, cancel);
            terminal.Say($"{rows.ToString("N0", CultureInfo.InvariantCulture)} rows in {path}");
        }
        return ExitCode.Done;
    }

    private static async Task<Run> StartAsync(IServiceProvider services, string model, ScoreWish wish, CancellationToken cancel)
    {
        Run? run = null;
        await AuditCommand.RecordAsync(
            services, "score", $"models/{model}",
            async () =>
            {
                run = await services.GetRequiredService<ScoreStarter>().StartAsync(model, wish, RunTriggers.Cli, cancel);
                var version = run.Version?.ToString(CultureInfo.InvariantCulture);
                return (null, $"{wish.Data ?? wish.Source} with version {version}, run {run.RunId}");
            },
            cancel);
        return run!;
    }
}
