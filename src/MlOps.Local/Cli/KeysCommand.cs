using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Web.Access;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>keys</c>: who may call a host that is bound to a network, or the app in Azure.</summary>
internal static class KeysCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "Whom or what the key is for; the audit trail tells who did what by it" };
    private static readonly Argument<string> Key = new("KEY") { Description = "The key's name or id" };

    private static readonly Option<RouteRole> Role = new("--role")
    {
        Description = "reader: looks and predicts. operator: starts and stops runs, too. admin: all",
        HelpName = "ROLE",
        DefaultValueFactory = _ => RouteRole.Reader,
        CustomParser = result =>
            Enum.TryParse<RouteRole>(result.Tokens[0].Value, ignoreCase: true, out var role) && role is > RouteRole.Anonymous and <= RouteRole.Admin
                ? role
                : Refuse(result),
    };

    public static Command Create()
    {
        var add = new Command("add", "Make a key and print it, this once") { Name, Role };
        add.SetAction(AddAsync);
        var list = new Command("list", "Show all keys, their roles and when they were last used");
        list.SetAction(ListAsync);
        var revoke = new Command("revoke", "End a key") { Key };
        revoke.SetAction(RevokeAsync);
        return new Command("keys", "Make, show and end the keys of those who may call") { add, list, revoke };
    }

    /// <summary>The key alone on standard output, so that a script can take it.</summary>
    private static async Task<int> AddAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal(isForProgram: true);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (name, role) = (parsed.GetValue(Name)!, parsed.GetValue(Role));
        var text = "";
        await AuditCommand.RecordAsync(
            storage, "add key", $"keys/{name}",
            async () =>
            {
                (_, text) = await Store(storage).AddAsync(name, role, cancel);
                return (null, $"role {Callers.NameOf(role)}");
            },
            cancel);
        Console.Out.WriteLine(text);
        terminal.Say($"This is the key of '{name}', role {Callers.NameOf(role)}. Keep it: it cannot be shown again.");
        return ExitCode.Done;
    }

    private static async Task<int> ListAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var table = Terminal.Table("Name", "Role", "Id", "Created (UTC)", "Last used (UTC)");
        foreach (var key in await Store(storage).ListAsync(cancel))
        {
            string[] cells = [key.Name, Callers.NameOf(key.Role), key.Id, Show(key.Created), key.LastUsed is { } used ? Show(used) : "never"];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        terminal.Out.Write(table);
        return ExitCode.Done;
    }

    private static async Task<int> RevokeAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var asked = parsed.GetValue(Key)!;
        await AuditCommand.RecordAsync(
            storage, "revoke key", $"keys/{asked}",
            async () => await Store(storage).RevokeAsync(asked, cancel) is { } key
                ? ($"role {Callers.NameOf(key.Role)}", null)
                : throw new InputException($"There is no key '{asked}'. 'mlops keys list' shows all."),
            cancel);
        terminal.Out.MarkupLineInterpolated(
            $"[green]The key of '{asked}' opens nothing any more; a host that has just seen it takes it for up to {KeyRing.FreshFor.TotalSeconds:0} s.[/]");
        return ExitCode.Done;
    }

    private static AccessKeyStore Store(ConnectedStorage storage) => storage.Services.GetRequiredService<AccessKeyStore>();

    private static string Show(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static RouteRole Refuse(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError($"--role is {result.Tokens[0].Value}; it must be reader, operator or admin.");
        return RouteRole.Anonymous;
    }
}
