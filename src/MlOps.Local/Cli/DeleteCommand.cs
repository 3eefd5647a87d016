using System.CommandLine;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Deletion;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>delete</c>: what is no longer wanted, by the same code as over HTTP.</summary>
internal static class DeleteCommand
{
    private static readonly Argument<string> Run = new("RUN") { Description = "Its id, as 'runs' lists it" };
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };
    private static readonly Argument<int> Version = new("VERSION") { Description = "Its number" };
    private static readonly Argument<string> Alias = new("ALIAS") { Description = "Its name, such as production" };
    private static readonly Argument<string> FileName = new("FILE") { Description = "Its name within raw/MODEL/" };

    public static Command Create() => new("delete", "Delete a run, a model, one of its versions or aliases, an uploaded file or a definition")
    {
        Verb("run", "A run that has ended, with what it logged", parsed => $"run {parsed.GetValue(Run)}", parsed => $"runs/{parsed.GetValue(Run)}",
            (parsed, host, cancel) => host.GetRequiredService<RunDeletion>().DeleteAsync(parsed.GetValue(Run)!, cancel), Run),
        Verb("model", "A model that does not serve, with all its versions",
            parsed => $"model {parsed.GetValue(Model)}", parsed => $"models/{parsed.GetValue(Model)}",
            (parsed, host, cancel) => host.GetRequiredService<ModelDeletion>().DeleteAsync(parsed.GetValue(Model)!, cancel), Model),
        Verb("version", "A version that no alias points at", parsed => $"version {parsed.GetValue(Version)} of model {parsed.GetValue(Model)}",
            parsed => $"models/{parsed.GetValue(Model)}/versions/{parsed.GetValue(Version)}",
            (parsed, host, cancel) => host.GetRequiredService<ModelDeletion>().DeleteVersionAsync(parsed.GetValue(Model)!, parsed.GetValue(Version), cancel),
            Model, Version),
        Verb("alias", "An alias; without alias production a model does not serve",
            parsed => $"alias {parsed.GetValue(Alias)} of model {parsed.GetValue(Model)}",
            parsed => $"models/{parsed.GetValue(Model)}/aliases/{parsed.GetValue(Alias)}",
            (parsed, host, cancel) => host.GetRequiredService<ModelDeletion>().DeleteAliasAsync(parsed.GetValue(Model)!, parsed.GetValue(Alias)!, cancel),
            Model, Alias),
        Verb("file", "An uploaded file that no unfinished run reads", parsed => $"file raw/{parsed.GetValue(Model)}/{parsed.GetValue(FileName)}",
            parsed => $"raw/{parsed.GetValue(Model)}/{parsed.GetValue(FileName)}",
            (parsed, host, cancel) => host.GetRequiredService<RawFileDeletion>().DeleteAsync(parsed.GetValue(Model)!, parsed.GetValue(FileName)!, cancel),
            Model, FileName),
        Verb("definition", "A model's definition; its runs keep theirs", parsed => $"definition of model {parsed.GetValue(Model)}",
            parsed => $"pipelines/{parsed.GetValue(Model)}",
            (parsed, host, cancel) => host.GetRequiredService<DefinitionDeletion>().DeleteAsync(parsed.GetValue(Model)!, cancel), Model),
    };

    private static Command Verb(
        string name, string description, Func<ParseResult, string> what, Func<ParseResult, string> subject,
        Func<ParseResult, IServiceProvider, CancellationToken, Task<DeletionResult>> delete, params Argument[] arguments)
    {
        var command = new Command(name, description);
        foreach (var argument in arguments)
        {
            command.Add(argument);
        }
        command.SetAction(async (parsed, cancel) =>
        {
            var terminal = new Terminal();
            await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
            await AuditCommand.RecordAsync(
                storage, "delete", subject(parsed),
                async () =>
                {
                    Check(await delete(parsed, storage.Services, cancel), what(parsed));
                    return (null, null);
                },
                cancel);
            terminal.Out.MarkupLineInterpolated($"[green]Deleted {what(parsed)}.[/]");
            return ExitCode.Done;
        });
        return command;
    }

    private static void Check(DeletionResult result, string what)
    {
        if (result is { Refusal: { } why })
        {
            throw new InputException(why);
        }
        if (!result.Found)
        {
            throw new InputException($"There is no {what}.");
        }
    }
}
