using System.CommandLine;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Local.Demo;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>demo</c>: sample data, a full run, a served model and one prediction; what an earlier start left is used.</summary>
internal static class DemoCommand
{
    private static readonly Option<bool> Once = new("--once") { Description = "End after the prediction" };

    private static readonly Option<bool> Drift = new("--drift")
    {
        Description = "Then a second batch of trips that has drifted, whose run the drift gate blocks",
    };

    private static readonly JsonObject SampleRow = new()
    {
        ["pickup_time"] = "2026-03-14 08:30:00",
        ["vendor"] = "CITY",
        ["passengers"] = 2,
        ["distance_km"] = 5.4,
        ["duration_min"] = 17.5,
        ["payment"] = "card",
        ["airport"] = false,
    };

    public static Command Create()
    {
        var command = new Command("demo", "Sample data, a full run, a served model and one prediction (the default)") { Once, Drift };
        command.SetAction((parsed, cancel) => RunAsync(GlobalOptions.Read(parsed), parsed.GetValue(Once), parsed.GetValue(Drift), cancel));
        return command;
    }

    private static async Task<int> RunAsync(HostSettings settings, bool once, bool drift, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var host = await RunningHost.StartAsync(settings, terminal, cancel);
        if (!await EnsureProductionAsync(host.Services, settings, terminal, cancel))
        {
            return ExitCode.Failed;
        }
        await PredictAsync(host, terminal, cancel);
        if (drift)
        {
            await RunDriftedAsync(host, settings, terminal, cancel);
        }
        PrintUrls(host.Url, terminal);
        if (!once)
        {
            terminal.Say("Ctrl+C stops everything.");
            try
            {
                await host.WaitForStopAsync(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
            }
        }
        return ExitCode.Done;
    }

    /// <summary>Runs the pipeline unless a version is in production already, or a run that an earlier start left goes on.</summary>
    private static async Task<bool> EnsureProductionAsync(IServiceProvider services, HostSettings settings, Terminal terminal, CancellationToken cancel)
    {
        if ((await services.GetRequiredService<ModelRegistry>().FindAsync(SampleTrips.Model, cancel))?.Production is { } version)
        {
            terminal.Out.MarkupLineInterpolated($"Model [bold]{SampleTrips.Model}[/], version {version}, is in production from an earlier start.");
            return true;
        }
        var definition = await EnsureDefinitionAsync(services.GetRequiredService<DefinitionStore>(), cancel);
        var runs = services.GetRequiredService<RunStore>();
        var run = (await runs.ListUnfinishedAsync(cancel)).FirstOrDefault(run => run is { Model: SampleTrips.Model, Goal: RunGoal.Model })
            ?? await StartAsync(services.GetRequiredService<RunStarter>(), settings, drifted: false, terminal, cancel);
        var details = await new RunFollower(runs, terminal).FollowAsync(run.RunId, definition.CandidateKeys, cancel);
        RunOutcome.Print(terminal.Out, details);
        return details.Run.Promoted;
    }

    /// <summary>Runs the pipeline on a batch from a changed world and names the pages that show what changed.</summary>
    private static async Task RunDriftedAsync(RunningHost host, HostSettings settings, Terminal terminal, CancellationToken cancel)
    {
        var definition = await EnsureDefinitionAsync(host.Services.GetRequiredService<DefinitionStore>(), cancel);
        terminal.Out.WriteLine();
        var run = await StartAsync(host.Services.GetRequiredService<RunStarter>(), settings, drifted: true, terminal, cancel);
        var details = await new RunFollower(host.Services.GetRequiredService<RunStore>(), terminal).FollowAsync(run.RunId, definition.CandidateKeys, cancel);
        RunOutcome.Print(terminal.Out, details);
        foreach (var page in details.Artifacts.Where(artifact => artifact.Path.EndsWith(".html", StringComparison.Ordinal)))
        {
            terminal.SayWhole($"  {new Uri(host.Url, $"/runs/{run.RunId}/artifacts/{page.Path}")}");
        }
    }

    private static async Task<PipelineDefinition> EnsureDefinitionAsync(DefinitionStore definitions, CancellationToken cancel)
    {
        if (await definitions.FindAsync(SampleTrips.Model, cancel) is { } stored)
        {
            return stored;
        }
        var definition = DefinitionJson.Read(await File.ReadAllTextAsync(SampleTrips.DefinitionFile, cancel));
        await definitions.PutAsync(definition, cancel);
        return definition;
    }

    private static async Task<Run> StartAsync(RunStarter starter, HostSettings settings, bool drifted, Terminal terminal, CancellationToken cancel)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetFullPath(settings.DataFolder), "samples")).FullName;
        var file = Path.Combine(folder, drifted ? $"{SampleTrips.Model}-drifted.csv" : $"{SampleTrips.Model}.csv");
        await SampleTrips.WriteAsync(file, drifted, cancel);
        terminal.Say($"Sample table{(drifted ? ", second batch, drifted" : "")}: {SampleTrips.Rows:N0} taxi trips in {file}");
        return await starter.StartAsync(SampleTrips.Model, file, RunTriggers.Cli, cancel);
    }

    private static async Task PredictAsync(RunningHost host, Terminal terminal, CancellationToken cancel)
    {
        var url = host.Url;
        using var http = new HttpClient { BaseAddress = url };
        http.DefaultRequestHeaders.Authorization = host.MachineKey is { } key ? new AuthenticationHeaderValue("Bearer", key) : null;
        var body = new JsonObject { ["model"] = SampleTrips.Model, ["features"] = SampleRow.DeepClone() }.ToJsonString();
        using var answer = await http.PostAsync(new Uri("/predict", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InputException($"The test prediction was refused ({(int)answer.StatusCode}): {text}");
        }
        terminal.Out.WriteLine();
        terminal.Out.MarkupLine("[bold]A prediction over HTTP[/]");
        terminal.SayWhole($"  curl -s {new Uri(url, "/predict")} -H 'Content-Type: application/json' -d '{body}'");
        terminal.Out.MarkupLineInterpolated($"  [green]{text}[/]");
    }

    private static void PrintUrls(Uri url, Terminal terminal)
    {
        terminal.Out.WriteLine();
        (string Name, string Path)[] pages =
        [
            ("look", "dashboard"), ("predict", "predict"), ("runs", "runs"), ("models", $"models/{SampleTrips.Model}"), ("health", "health"),
            ("openapi", "openapi.json"),
        ];
        foreach (var (name, path) in pages)
        {
            terminal.Out.MarkupLineInterpolated($"  {name,-8} [blue]{new Uri(url, path)}[/]");
        }
    }
}
