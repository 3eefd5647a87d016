using System.CommandLine;
using System.Text.RegularExpressions;
using MlOps.Local.Hosting;
using MlOps.Local.Storage;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Cli;

/// <summary><c>train</c>: a model from a person's own file, with no definition written.</summary>
internal static partial class TrainCommand
{
    private static readonly Argument<string> FileArgument = new("FILE")
    {
        Description = "CSV or Parquet file, or MODEL@VERSION: a raw dataset version that there is",
    };

    private static readonly Option<string?> Definition = new("--definition")
    {
        Description = "Use this pipeline definition (JSON) instead of inferring one",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Model = new("--model") { Description = "Name of the model [default: from the file's name]", HelpName = "NAME" };
    private static readonly Option<bool> AsJson = new("--json") { Description = "Print one JSON object on standard output" };
    private static readonly Option<bool> RequirePromotion = new("--require-promotion")
    {
        Description = "End with exit code 1 when a gate blocks the new version",
    };

    public static Command Create()
    {
        var command = new Command("train", "Train a model on a file: infer a definition, run the pipeline, print a table") { FileArgument };
        InferenceOptions.AddTo(command);
        foreach (var option in new Option[] { Definition, Model, AsJson, RequirePromotion })
        {
            command.Add(option);
        }
        command.Validators.Add(result =>
        {
            if (VersionOf(result.GetValue(FileArgument)) is not null)
            {
                if (result.GetResult(InferenceOptions.Target) is not null || result.GetResult(Model) is not null)
                {
                    result.AddError("A dataset version is trained by its model's definition: leave out --target and --model; --definition FILE changes it.");
                }
            }
            else if (result.GetResult(InferenceOptions.Target) is null == result.GetResult(Definition) is null)
            {
                result.AddError("Name either the column to predict (--target COLUMN) or a pipeline definition (--definition FILE).");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var version = VersionOf(parsed.GetValue(FileArgument));
        var file = Path.GetFullPath(parsed.GetValue(FileArgument)!);
        if (version is null && !File.Exists(file))
        {
            throw new EnvironmentProblemException($"There is no file '{file}'.");
        }
        var declared = parsed.GetValue(Definition) is { } path ? DefinitionJson.Read(await ReadAsync(path, cancel)) : null;
        var model = version?.Model ?? parsed.GetValue(Model) ?? declared?.Model ?? NameFrom(file);
        var asJson = parsed.GetValue(AsJson);
        try
        {
            var request = new RunRequest(model, version is null ? file : null, RunTriggers.Cli) { Data = version?.Name };
            var details = await TrainAsync(parsed, declared, request, new Terminal(asJson), cancel);
            if (asJson)
            {
                Console.Out.WriteLine(Json.Write(RunReport.Of(details)));
            }
            return details.Run.State switch
            {
                RunState.Succeeded => ExitCode.Done,
                RunState.Blocked => parsed.GetValue(RequirePromotion) ? ExitCode.Failed : ExitCode.Done,
                _ => ExitCode.Failed,
            };
        }
        catch (InputException wrong) when (asJson)
        {
            Console.Out.WriteLine(Json.Write(RunReport.OfProblem(model, wrong.Message)));
            return ExitCode.Failed;
        }
    }

    private static async Task<RunDetails> TrainAsync(
        ParseResult parsed, PipelineDefinition? declared, RunRequest request, Terminal terminal, CancellationToken cancel)
    {
        var settings = GlobalOptions.Read(parsed);
        await using var storage = await WarmStart.WhileAsync(LocalStorage.OwnOrJoinAsync(settings, terminal.Say, cancel), cancel);
        await using var host = await LocalHost.StartAsync(settings, storage, storage.IsOwner ? HostParts.Engine : HostParts.None, cancel);
        storage.Publish(url: null);

        var services = host.Services;
        var (definitions, model) = (services.GetRequiredService<DefinitionStore>(), request.Model);
        var definition = declared is not null ? declared with { Model = model } : request.Data is not null ? await definitions.FindAsync(model, cancel)
            : await InferenceOptions.InferAsync(services.GetRequiredService<DefinitionInference>(), parsed, model, request.Source!, cancel);
        if (definition is null)
        {
            throw new InputException($"Model '{model}' has no definition. Name one with --definition FILE.");
        }
        if (request.Data is { } name)
        {
            // A name that there is not changes no definition.
            await services.GetRequiredService<RunSources>().OfVersionAsync(model, name, cancel);
        }
        await DefineAsync(services, definition, cancel);
        var run = await services.GetRequiredService<RunStarter>().StartAsync(request, cancel);
        var details = await new RunFollower(services.GetRequiredService<RunStore>(), terminal).FollowAsync(run.RunId, definition.CandidateKeys, cancel);
        RunOutcome.Print(terminal.Story, details);
        return details;
    }

    /// <summary>Makes a definition the model's current one: a decision that the trail tells, unless it is the current one already.</summary>
    private static async Task DefineAsync(IServiceProvider services, PipelineDefinition definition, CancellationToken cancel)
    {
        var definitions = services.GetRequiredService<DefinitionStore>();
        var from = await definitions.FindAsync(definition.Model, cancel) is { } before ? DefinitionStore.IdOf(before) : null;
        if (from == DefinitionStore.IdOf(definition))
        {
            await definitions.PutAsync(definition, cancel);
            return;
        }
        await AuditCommand.RecordAsync(
            services, "define", $"pipelines/{definition.Model}", async () => (from, await definitions.PutAsync(definition, cancel)), cancel);
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancel) => File.Exists(path)
        ? await File.ReadAllTextAsync(path, cancel)
        : throw new EnvironmentProblemException($"There is no file '{path}'.");

    /// <summary>The dataset version that an argument names which is no file; null: it names a file.</summary>
    internal static (string Model, string Name)? VersionOf(string? argument) =>
        argument?.Split('@') is [var model, { Length: > 0 } name] && ModelName.IsValid(model) && !File.Exists(argument) ? (model, name) : null;

    /// <summary>The file's name as a model's name.</summary>
    internal static string NameFrom(string file)
    {
        const int Longest = 63;
        var stem = Path.GetFileName(file);
        stem = stem[..(stem.IndexOf('.', 1) is > 0 and var dot ? dot : stem.Length)];
        var slug = NotInNames().Replace(stem.ToLowerInvariant(), "-").Trim('-');
        slug = slug.Length > Longest ? slug[..Longest].Trim('-') : slug;
        return slug.Length == 0 ? "model" : slug;
    }

    [GeneratedRegex("[^a-z0-9]+")]
    private static partial Regex NotInNames();
}
