using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Serving.Feedback;
using MlOps.Serving.Lineage;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>The verbs of <c>data</c> for versions: what there is, names for them, what is different, a copy, and what is damaged or nobody's.</summary>
internal static class DataVersionCommands
{
    private const string Latest = "latest";

    private static readonly Argument<string> Model = new("MODEL") { Description = "Whose data" };
    private static readonly Argument<string> Of = new("MODEL@VERSION") { Description = "A dataset version: a tag, latest~1, v3, v3:train, or an id" };
    private static readonly Argument<string> From = new("MODEL@FROM") { Description = "What is compared with" };
    private static readonly Argument<string> To = new("TO") { Description = "What is compared" };
    private static readonly Argument<string> Tag = new("TAG") { Description = "The name" };

    private static readonly Argument<string> Something = new("KIND/ID") { Description = $"What: {LineageQuery.Words}" };

    private static readonly Option<string?> Stage = new("--stage")
    {
        Description = "Only raw, clean, features, train, validation or test versions",
        HelpName = "STAGE",
    };

    private static readonly Option<bool> Movable = new("--movable") { Description = "Another version may get the name later" };
    private static readonly Option<string[]> Key = new("--key") { Description = "Column that says which row is which", HelpName = "COLUMN" };
    private static readonly Option<bool> AsJson = new("--json") { Description = "Print one JSON object on standard output" };
    private static readonly Option<string> Out = new("--out") { Description = "Folder to write", HelpName = "DIR", Required = true };
    private static readonly Option<string> Format = new("--format") { Description = "csv or parquet", HelpName = "FORMAT", DefaultValueFactory = _ => "csv" };
    private static readonly Option<DateTimeOffset> Since = Time("--from", "Predictions from this time on, such as 2026-11-26T10:00Z");
    private static readonly Option<DateTimeOffset> Until = Time("--until", "And before this one");

    private static readonly Option<bool> Delete = new("--delete") { Description = "Delete it; without it, only what would be deleted is shown" };

    public static void AddTo(Command data)
    {
        Stage.AcceptOnlyFromAmong([.. DataEntry.Stages]);
        Format.AcceptOnlyFromAmong("csv", "parquet");
        var log = new Command("log", "Show a model's dataset versions, newest first") { Model, Stage };
        PageOptions.AddTo(log);
        log.SetAction(LogAsync);
        var show = new Command("show", "Show a dataset version: columns, parts, tags, runs") { Of };
        PageOptions.AddTo(show);
        show.SetAction(ShowAsync);
        var tag = new Command("tag", "Give a name to a dataset version, which keeps it") { Of, Tag, Movable };
        tag.SetAction(TagAsync);
        var untag = new Command("untag", "Take a name away; the version stays") { Model, Tag };
        untag.SetAction(UntagAsync);
        var restore = new Command("restore", "Make a raw dataset version the newest again: 'latest', and what runs read when no file is named") { Of };
        restore.SetAction(RestoreAsync);
        var predicted = new Command("from-predictions", "Make a raw dataset version of predictions and what came true of them") { Model, Since, Until };
        predicted.SetAction(FromPredictionsAsync);
        var diff = new Command("diff", "Show what is different between two dataset versions: columns, rows, values") { From, To, Key, AsJson };
        diff.SetAction(DiffAsync);
        var checkout = new Command("checkout", "Write the rows of a dataset version into a folder") { Of, Out, Format };
        checkout.SetAction(CheckoutAsync);
        var gc = new Command("gc", "Find dataset versions that no run, model version or tag reaches, and delete them") { Delete };
        gc.SetAction(CollectAsync);
        var verify = new Command("verify", "Read all dataset versions again and name what is damaged");
        verify.SetAction(VerifyAsync);
        var lineage = new Command("lineage", "Show what something comes from, and what comes from it, as a Mermaid flowchart") { Something, AsJson };
        lineage.SetAction(LineageAsync);
        foreach (var verb in new[] { lineage, log, show, tag, untag, restore, predicted, diff, checkout, gc, verify })
        {
            data.Add(verb);
        }
    }

    private static async Task<int> LogAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (log, model) = (storage.Services.GetRequiredService<DataLog>(), parsed.GetValue(Model)!);
        var names = (await storage.Services.GetRequiredService<DataTags>().ListAsync(model, cancel)).ToLookup(tag => tag.Version, tag => tag.Name);
        var page = await PageOptions.ReadAsync(parsed, (take, next) => log.ListAsync(model, parsed.GetValue(Stage), take, next, cancel));
        var table = Terminal.Table("Created (UTC)", "Stage", "Version", "Rows", "Columns", "Bytes", "Tags", "Of", "First run");
        foreach (var version in page.Items)
        {
            string[] cells =
            [
                Time(version.Created), version.Stage, version.Id, Number(version.Rows), Number(version.Columns), Number(version.Bytes),
                string.Join(", ", names[version.Id]), version.Source, version.RunId,
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        terminal.Out.Write(table);
        PageOptions.Tell(terminal, page);
        return ExitCode.Done;
    }

    private static async Task<int> ShowAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var version = await VersionAsync(storage, parsed.GetValue(Of)!, cancel);
        var datasets = storage.Services.GetRequiredService<DatasetStore>();
        var manifest = await datasets.GetAsync(version.Id, cancel);
        var holder = manifest.ViewOf is null ? null : await datasets.FindHolderAsync(manifest, cancel);
        var tags = (await storage.Services.GetRequiredService<DataTags>().ListAsync(version.Model, cancel)).Where(tag => tag.Version == version.Id);
        var log = storage.Services.GetRequiredService<DataLog>();
        var runs = await PageOptions.ReadAsync(parsed, (take, next) => log.ListRunsAsync(version.Model, version.Id, take, next, cancel));
        var columns = Terminal.Table("Column", "Stored as", "Kind");
        foreach (var column in manifest.Columns)
        {
            columns.AddRow(new Text(column.Name), new Text(column.Type.ToString().ToLowerInvariant()), new Text(column.Kind.ToString().ToLowerInvariant()));
        }
        (string Name, string Value)[] facts =
        [
            ("Version", version.Id), ("Stage", version.Stage), ("Created", Time(version.Created)), ("Rows", Number(version.Rows)),
            ("Parts", $"{Number(manifest.Parts.Count)} ({Number(version.Bytes)} bytes)"),
            ("Shared", holder is null ? "" : $"{Number(holder.Bytes)} bytes of {holder.Stage} version {holder.Id}, of which it is a view"),
            ("Made from", string.Join(", ", manifest.Parents)),
            ("Source", version.Source), ("Tags", string.Join(", ", tags.Select(tag => tag.Movable ? $"{tag.Name} (movable)" : tag.Name))),
            ("Runs", string.Join(", ", runs.Items)),
        ];
        var about = new Grid().AddColumn().AddColumn();
        foreach (var (name, value) in facts)
        {
            about.AddRow(new Text(name), new Text(value));
        }
        terminal.Out.Write(about);
        PageOptions.Tell(terminal, runs);
        terminal.Out.Write(columns);
        return ExitCode.Done;
    }

    private static async Task<int> TagAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (version, name) = (await VersionAsync(storage, parsed.GetValue(Of)!, cancel), parsed.GetValue(Tag)!);
        var tag = new DataTag(name, version.Id, parsed.GetValue(Movable), Environment.UserName, default);
        await AuditCommand.RecordAsync(
            storage, "tag", $"datasets/{version.Model}/tags/{name}",
            async () => (await storage.Services.GetRequiredService<DataTags>().SetAsync(version.Model, tag, cancel), version.Id), cancel);
        terminal.Say($"{version.Model}@{name} is version {version.Id}.");
        return ExitCode.Done;
    }

    private static async Task<int> RestoreAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (version, sources) = (await VersionAsync(storage, parsed.GetValue(Of)!, cancel), storage.Services.GetRequiredService<RunSources>());
        var before = await storage.Services.GetRequiredService<DataVersions>().FindAsync(version.Model, Latest, cancel);
        await AuditCommand.RecordAsync(
            storage, "restore", $"datasets/{version.Model}",
            async () => (before?.Id, (await sources.RestoreAsync(version.Model, version.Id, Environment.UserName, cancel)).Id), cancel);
        terminal.Say($"{version.Model}@latest is version {version.Id}, until a newer file is read.");
        return ExitCode.Done;
    }

    private static async Task<int> FromPredictionsAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (model, rows) = (parsed.GetValue(Model)!, storage.Services.GetRequiredService<FeedbackDataset>());
        DataEntry? made = null;
        await AuditCommand.RecordAsync(
            storage, "make data", $"datasets/{model}/from-predictions",
            async () => (null, (made = await rows.MakeAsync(model, parsed.GetValue(Since), parsed.GetValue(Until), cancel)).Id), cancel);
        terminal.Say($"{model}@{made!.Id} has {Number(made.Rows)} rows. 'train {model}@{made.Id[..6]}' trains on them, 'data tag' keeps them.");
        return ExitCode.Done;
    }

    /// <summary>A time without a zone is UTC.</summary>
    private static Option<DateTimeOffset> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        Required = true,
        CustomParser = result =>
        {
            if (!DateTimeOffset.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                result.AddError($"{name} is '{result.Tokens[0].Value}'; it must be a time such as 2026-11-26T10:00Z.");
            }
            return time;
        },
    };

    private static async Task<int> UntagAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (model, name) = (parsed.GetValue(Model)!, parsed.GetValue(Tag)!);
        await AuditCommand.RecordAsync(
            storage, "delete", $"datasets/{model}/tags/{name}",
            async () => (await storage.Services.GetRequiredService<DataTags>().DeleteAsync(model, name, cancel)
                ?? throw new InputException($"Model '{model}' has no tag '{name}'. The command 'data log {model}' shows its tags."), null),
            cancel);
        terminal.Say($"{model} has no tag {name} any more.");
        return ExitCode.Done;
    }

    private static async Task<int> DiffAsync(ParseResult parsed, CancellationToken cancel)
    {
        var asJson = parsed.GetValue(AsJson);
        var terminal = new Terminal(asJson);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var from = await VersionAsync(storage, parsed.GetValue(From)!, cancel);
        var other = parsed.GetValue(To)!;
        var to = await VersionAsync(storage, other.Contains('@', StringComparison.Ordinal) ? other : $"{from.Model}@{other}", cancel);
        var key = parsed.GetValue(Key);
        var diff = await storage.Services.GetRequiredService<DataComparison>().CompareAsync(
            from, to, new DataDiffRequest(key is { Length: > 0 } ? key : null), cancel);
        if (asJson)
        {
            Console.Out.WriteLine(Json.Write(diff));
        }
        else
        {
            DataDiffPrinter.Print(terminal, diff);
        }
        return ExitCode.Done;
    }

    private static async Task<int> CheckoutAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var version = await VersionAsync(storage, parsed.GetValue(Of)!, cancel);
        var file = await storage.Services.GetRequiredService<DataCheckout>()
            .WriteAsync(version, Path.GetFullPath(parsed.GetValue(Out)!), parsed.GetValue(Format)!, cancel);
        terminal.Say($"{Number(version.Rows)} rows of version {version.Id} in {file}");
        return ExitCode.Done;
    }

    private static async Task<int> CollectAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var collector = storage.Services.GetRequiredService<DataCollector>();
        var found = await collector.FindAsync(cancel);
        foreach (var finding in found.Findings)
        {
            terminal.Out.MarkupLineInterpolated($"{finding.Where}: {finding.Problem} {Number(finding.Bytes)} bytes");
        }
        if (!parsed.GetValue(Delete))
        {
            terminal.Say(
                $"{Number(found.Bytes)} bytes in {Number(found.Findings.Count)} folders would be deleted, of {Number(found.Versions)} versions; "
                + "--delete does it.");
            terminal.Say(
                $"All versions take {Number(found.StoredBytes)} bytes. Those that are views read {Number(found.SharedBytes)} bytes of others, "
                + "not stored again.");
            return ExitCode.Done;
        }
        var deleted = await collector.DeleteAsync(found, cancel);
        terminal.Say($"{Number(deleted.Bytes)} bytes in {Number(deleted.Findings.Count)} folders deleted.");
        if (deleted.Findings.Count < found.Findings.Count)
        {
            terminal.Say("The others are left: a run has come to them, or somebody has named them, since they were found.");
        }
        return ExitCode.Done;
    }

    private static async Task<int> LineageAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal(isForProgram: true);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var given = parsed.GetValue(Something)!;
        var slash = given.IndexOf('/', StringComparison.Ordinal);
        var (kind, id) = slash < 0 ? (given, "") : (given[..slash], given[(slash + 1)..]);
        var graph = await LineageQuery.FindAsync(storage.Services.GetRequiredService<LineageReader>(), kind, id, cancel)
            ?? throw new InputException($"There is no {kind} '{id}', or no run had it.");
        Console.Out.Write(parsed.GetValue(AsJson) ? Json.Write(graph) + "\n" : graph.ToMermaid());
        return ExitCode.Done;
    }

    private static async Task<int> VerifyAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var (broken, versions) = await storage.Services.GetRequiredService<DataCollector>().VerifyAsync(cancel);
        foreach (var finding in broken)
        {
            terminal.Out.MarkupLineInterpolated($"[red]damaged[/] {finding.Where}: {finding.Problem}");
        }
        terminal.Say(
            broken.Count == 0
                ? $"{Number(versions)} versions read, all as they were written."
                : $"{Number(broken.Count)} faults in {Number(versions)} versions.");
        return broken.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>The version that <c>MODEL@NAME</c> names; without a name, the newest raw one.</summary>
    private static async Task<DataEntry> VersionAsync(ConnectedStorage storage, string given, CancellationToken cancel)
    {
        var at = given.IndexOf('@', StringComparison.Ordinal);
        var (model, name) = at < 0 ? (given, Latest) : (given[..at], given[(at + 1)..]);
        return await storage.Services.GetRequiredService<DataVersions>().GetAsync(model, name, cancel);
    }

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
