using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
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

    private static readonly Option<bool> Compare = new("--compare") { Description = "Show how the versions have done since the requests are shared out" };

    public static Command Create()
    {
        var command = new Command("traffic", "Share a model's requests out between versions") { Model, Weights, Shadow, End, Compare };
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
        if (parsed.GetValue(Compare))
        {
            var split = model.Traffic ?? throw new InputException($"Production answers all requests of model '{name}', so there is nothing to compare.");
            Print(terminal.Out, await storage.Services.GetRequiredService<TrafficComparer>().CompareAsync(name, split, cancel));
        }
        return ExitCode.Done;
    }

    private static void Print(IAnsiConsole console, TrafficComparison found)
    {
        var table = Terminal.Table("Version", "As").AddColumn("Predictions", column => column.RightAligned())
            .AddColumn("Failed", column => column.RightAligned()).AddColumn("With feedback", column => column.RightAligned())
            .AddColumn(found.Loss, column => column.RightAligned()).AddColumn("Less production's", column => column.RightAligned()).AddColumn("Verdict");
        foreach (var variant in found.Variants)
        {
            var difference = found.Differences.FirstOrDefault(
                difference => difference.Version == variant.Version && variant.Variant is Variants.Challenger or Variants.Shadow);
            table.AddRow(
                Number(variant.Version), variant.Variant, Number(variant.Predictions), Number(variant.Failed), Number(variant.Feedback), Real(variant.Loss),
                difference?.Interval is { } interval ? $"{Real(difference.Loss)} ({Real(interval.Low)} to {Real(interval.High)})" : "",
                difference?.Verdict ?? "");
        }
        console.Write(table);
        if (found.Shadow is { } shadow)
        {
            console.MarkupLineInterpolated(
                CultureInfo.InvariantCulture,
                $"Version {shadow.Version}, shadow: {shadow.Answered:N0} of {shadow.Asked:N0} rows, {shadow.Failed:N0} failed, {shadow.Dropped:N0} left out.");
            if (shadow.Disagreement is { } share)
            {
                console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"It gives another label in {share:P1} of them.");
            }
            if (shadow.Differences is { } differ)
            {
                console.MarkupLineInterpolated(
                    CultureInfo.InvariantCulture,
                    $"Its answer less the caller's: {differ.Mean:G4} on average, nine in ten from {differ.P5:G4} to {differ.P95:G4}.");
            }
        }

        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

        static string Real(double? value) => value?.ToString("G5", CultureInfo.InvariantCulture) ?? "";
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
