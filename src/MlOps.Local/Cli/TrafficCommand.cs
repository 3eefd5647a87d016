using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>traffic</c>: which versions answer a model's requests.</summary>
internal static class TrafficCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };

    private static readonly Argument<string[]> Weights = new("VERSION=PERCENT")
    {
        Description = "Shares that come to 100, such as 3=90 4=10; none: show how it is",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<int?> Shadow = new("--shadow")
    {
        Description = "A version that is asked too, and whose answers are only logged",
        HelpName = "VERSION",
    };

    private static readonly Option<bool> End = new("--end") { Description = "Let production answer everything again" };

    public static Command Create()
    {
        var command = new Command("traffic", "Share a model's requests out between versions") { Model, Weights, Shadow, End };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        var (name, weights, shadow, end) = (parsed.GetValue(Model)!, parsed.GetValue(Weights) ?? [], parsed.GetValue(Shadow), parsed.GetValue(End));
        if (end && (weights.Length > 0 || shadow is not null))
        {
            throw new InputException("--end lets production answer everything: give no shares and no shadow with it.");
        }
        var wish = new TrafficWish(Read(weights), shadow, "set at the command line");
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var registry = storage.Services.GetRequiredService<ModelRegistry>();
        var model = await registry.FindAsync(name, cancel)
            ?? throw new InputException($"Model '{name}' has no registered version. 'models' lists those that have.");
        if (end || weights.Length > 0 || shadow is not null)
        {
            var traffic = storage.Services.GetRequiredService<ModelTraffic>();
            await AuditCommand.RecordAsync(
                storage, "traffic", $"models/{name}",
                async () =>
                {
                    var before = TextOf(model);
                    model = end ? await traffic.EndAsync(name, split: null, cancel) : await traffic.SplitAsync(name, wish, cancel);
                    return (before, TextOf(model));
                },
                cancel);
        }
        terminal.Out.MarkupLineInterpolated($"Model {name}: {TextOf(model)}.");
        return ExitCode.Done;
    }

    private static string TextOf(RegisteredModel model) => model switch
    {
        { Traffic: { } split } => $"{split}, since {split.Since.UtcDateTime:u} ({split.Reason})",
        { Production: { } production } => string.Create(CultureInfo.InvariantCulture, $"version {production} in production answers everything"),
        _ => "no version is in production",
    };

    private static Dictionary<int, int> Read(IReadOnlyList<string> weights)
    {
        var percents = new Dictionary<int, int>();
        foreach (var weight in weights)
        {
            var parts = weight.Split('=');
            if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var version)
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var percent) || !percents.TryAdd(version, percent))
            {
                throw new InputException($"'{weight}' is no share: write VERSION=PERCENT once for each version, such as 3=90 4=10.");
            }
        }
        return percents;
    }
}
