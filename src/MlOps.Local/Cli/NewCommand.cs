using System.CommandLine;
using System.Text;
using MlOps.Local.Hosting;
using MlOps.Local.Storage;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Local.Cli;

/// <summary><c>new</c>: writes the definition that <c>train</c> would infer, for a person to edit. It needs no storage.</summary>
internal static class NewCommand
{
    /// <summary>A file on this machine is looked at: these clients are never asked anything.</summary>
    private const string NoStorage = "UseDevelopmentStorage=true";

    private static readonly Argument<string> Model = new("MODEL") { Description = "Name of the model" };
    private static readonly Argument<string> FileArgument = new("FILE") { Description = "CSV or Parquet file" };
    private static readonly Option<string?> Out = new("--out") { Description = "File to write [default: MODEL.json]", HelpName = "FILE" };
    private static readonly Option<bool> Force = new("--force") { Description = "Write over a file that is there" };

    public static Command Create()
    {
        var command = new Command("new", "Write the pipeline definition inferred from a file, to edit and train with") { Model, FileArgument };
        InferenceOptions.AddTo(command);
        command.Add(Out);
        command.Add(Force);
        command.Validators.Add(result =>
        {
            if (result.GetResult(InferenceOptions.Target) is null)
            {
                result.AddError("Name the column to predict: --target COLUMN.");
            }
            if (result.GetResult(Model) is { Tokens: [var name] } && !ModelName.IsValid(name.Value))
            {
                result.AddError($"'{name.Value}' is no name of a model: it has {ModelName.Rule}.");
            }
        });
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var model = parsed.GetValue(Model)!;
        var file = parsed.GetValue(FileArgument)!;
        var path = parsed.GetValue(Out) ?? $"{model}.json";
        if (!File.Exists(file))
        {
            throw new EnvironmentProblemException($"There is no file '{Path.GetFullPath(file)}'.");
        }
        if (!parsed.GetValue(Force))
        {
            CheckFree(path);
        }
        var definition = await InferAsync(parsed, model, Path.GetFullPath(file), cancel);
        await WriteAsync(path, DefinitionJson.Write(definition) + "\n", parsed.GetValue(Force), cancel);

        var terminal = new Terminal();
        terminal.SayWhole($"Definition of model {model} in {path}: {Describe(definition)}");
        terminal.SayWhole("Edit it, then train with it:");
        terminal.SayWhole($"  {StartedAs.Words} train {StartedAs.Quote(file)} --definition {StartedAs.Quote(path)}");
        return ExitCode.Done;
    }

    private static async Task<PipelineDefinition> InferAsync(ParseResult parsed, string model, string file, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("mlops-new-");
        try
        {
            await using var services = new ServiceCollection()
                .AddMlOpsPipeline()
                .AddSingleton(StorageAccount.Connect(NoStorage, new(), new()))
                .AddSingleton(new PipelineOptions { WorkFolder = folder.FullName })
                .BuildServiceProvider();
            return await InferenceOptions.InferAsync(services.GetRequiredService<DefinitionInference>(), parsed, model, file, cancel);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Describe(PipelineDefinition definition)
    {
        var ignored = definition.Columns.Where(column => column.Value.Ignore).Select(column => column.Key).ToList();
        var used = definition.Columns.Count - ignored.Count - 1;
        return $"{definition.Target} from {used} {(used == 1 ? "column" : "columns")}{(ignored.Count == 0 ? "" : $", without {string.Join(", ", ignored)}")}.";
    }

    private static void CheckFree(string path)
    {
        if (File.Exists(path))
        {
            throw new EnvironmentProblemException(
                $"The file '{Path.GetFullPath(path)}' is there already: name another one with --out, or write over it with --force.");
        }
    }

    private static async Task WriteAsync(string path, string text, bool force, CancellationToken cancel)
    {
        try
        {
            await using var file = new FileStream(path, force ? FileMode.Create : FileMode.CreateNew, FileAccess.Write);
            await file.WriteAsync(Encoding.UTF8.GetBytes(text), cancel);
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException)
        {
            throw new EnvironmentProblemException($"The file '{Path.GetFullPath(path)}' cannot be written: {unwritable.Message}", unwritable);
        }
    }
}
