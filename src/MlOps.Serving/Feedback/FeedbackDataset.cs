using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>
/// Makes a raw dataset version of what was predicted in some time and of what came true of it, so that a run can train on it: a row for each prediction of
/// which that is known, with the columns that production reads, typed as it was trained, and the target.
/// </summary>
public sealed class FeedbackDataset
{
    /// <summary>Longest time that is taken at once.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(92);

    private const long MostBytes = 4L * 1024 * 1024 * 1024;

    private readonly PredictionLogReader log;
    private readonly FeedbackStore feedback;
    private readonly ModelRegistry registry;
    private readonly DefinitionStore definitions;
    private readonly DatasetStore datasets;
    private readonly ProfileStore profiles;
    private readonly DataLog versions;
    private readonly DuckDb duckDb;

    internal FeedbackDataset(
        PredictionLogReader log, FeedbackStore feedback, ModelRegistry registry, DefinitionStore definitions, DatasetStore datasets, ProfileStore profiles,
        DataLog versions, DuckDb duckDb)
    {
        (this.log, this.feedback, this.registry, this.definitions) = (log, feedback, registry, definitions);
        (this.datasets, this.profiles, this.versions, this.duckDb) = (datasets, profiles, versions, duckDb);
    }

    /// <summary>Makes the version, or finds it: the same rows are the same version.</summary>
    /// <param name="model">The model.</param>
    /// <param name="from">Predictions from this time on,</param>
    /// <param name="until">and before this one.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">There are no such rows, or not all columns that a run needs.</exception>
    public async Task<DataEntry> MakeAsync(string model, DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        if (until <= from || until - from > Longest)
        {
            throw new InputException($"'until' must come after 'from', by at most {Longest.TotalDays:0} days.");
        }
        var (columns, absent, trained) = await ColumnsAsync(model, cancel);
        var folder = datasets.NewDraftFolder();
        try
        {
            var told = await ToldFeedback.WriteAsync(feedback, model, from, Path.Combine(folder, "told.jsonl"), cancel);
            // What was told of a key is about its newest prediction before that, which may be one after this time.
            var last = told.NewestOfKey > until ? told.NewestOfKey : until;
            var files = told.Rows == 0 ? [] : await log.DownloadAllAsync(model, from, last, MostBytes, folder, cancel);
            var read = files.Count == 0
                ? null
                : await Task.Run(() => Read(files, told, (from, until), columns, absent, trained, folder, cancel), cancel);
            if (read is null)
            {
                throw new InputException(
                    $"Of no logged prediction of model '{model}' from {LoggedSource.TimeText(from)} until {LoggedSource.TimeText(until)} is it known what "
                    + "came true. POST /feedback tells it.");
            }
            var version = await CommitAsync(model, (from, until), read, cancel);
            return await versions.RecordAsync(model, version, LoggedSource.Of(model, from, until), cancel);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The columns of the version: those of production's rows, the target last; then those that a definition declares and nobody sends.</summary>
    private async Task<(FeaturePlan Plan, IReadOnlyList<DatasetColumn> Absent, TableProfile Trained)> ColumnsAsync(string model, CancellationToken cancel)
    {
        var production = (await registry.FindAsync(model, cancel))?.Production
            ?? throw new InputException($"Model '{model}' has no version in production, so nothing says how its rows are read.");
        var definition = await definitions.RequireAsync(model, cancel);
        var lineage = (await registry.GetAsync(model, production, cancel)).Lineage;
        var train = await datasets.FindAsync(lineage.Train, cancel)
            ?? throw new InputException($"The training rows of version {production} of model '{model}' are gone, so nothing says how its rows are read.");
        var plan = FeaturePlan.Of(train);
        var sent = plan.Inputs.Select(input => input.Name).Append(plan.Target.Name).ToHashSet(StringComparer.Ordinal);
        if (plan.Target.Name != definition.Target)
        {
            throw new InputException($"Version {production} predicts '{plan.Target.Name}', and the definition's target is '{definition.Target}' by now.");
        }
        var needed = plan.Carried.Select(column => column.Name).Append(plan.Weights?.Name).OfType<string>().Concat(definition.Split.Key);
        if (needed.FirstOrDefault(name => !sent.Contains(name)) is { } unsent)
        {
            throw new InputException(
                $"The definition of model '{model}' splits or weighs rows by column '{unsent}', which callers do not send: what was predicted has none.");
        }
        var raw = (await datasets.FindAsync(lineage.Raw, cancel))?.Columns ?? [];
        return (
            plan, [.. raw.Where(column => !sent.Contains(column.Name) && definition.Columns.GetValueOrDefault(column.Name) is { Ignore: false })],
            await profiles.GetAsync(train, _ => Task.CompletedTask, cancel));
    }

    private ReadRows? Read(
        IReadOnlyList<string> files, ToldFeedback told, (DateTimeOffset From, DateTimeOffset Until) window, FeaturePlan plan,
        IReadOnlyList<DatasetColumn> absent, TableProfile trained, string folder, CancellationToken cancel)
    {
        using var session = duckDb.Open(plan.Inputs.Count, cancel);
        session.Execute($"CREATE TEMP TABLE joined AS {JoinedSql(files, told, window)}");
        var cells = LiveRows.InputsSql(plan, trained).Select(input => $"{input.Sql} AS {Sql.Name(input.Column.Name)}")
            .Append($"{LiveRows.ActualSql("actual", plan.Target)} AS {Sql.Name(plan.Target.Name)}")
            .Concat(absent.Select(column => $"NULL::{column.Type.ToString().ToUpperInvariant()} AS {Sql.Name(column.Name)}"));
        var joined = $"SELECT actual, \"at\", id, {LiveRows.CellsSql(plan)} FROM joined ORDER BY \"at\", id";
        var select = $"SELECT * FROM (SELECT {string.Join(", ", cells)} FROM ({joined})) "
            + $"WHERE {Sql.Name(plan.Target.Name)} IS NOT NULL";
        var rows = session.Count($"SELECT count(*) FROM ({select})");
        var left = LeftOut(session, plan.Target, rows);
        if (rows == 0)
        {
            return left is null ? null : throw new InputException(left.Text);
        }
        var table = new RawTable([.. plan.Inputs, plan.Target, .. absent], select, MarksUnparseable: false, rows, left is null ? [] : [left]);
        var parts = PartWriter.Write(session, table, rowsPerPart: datasets.RowsPerPart, folder);
        var hours = session.Rows("SELECT DISTINCT \"at\"[:13] AS hour FROM joined ORDER BY hour").Select(row => (string)row[0]!).ToList();
        return new ReadRows(table, parts, RowIdentity.Of(session, parts[0].Path, table.Columns), hours);
    }

    /// <summary>Tells of rows that are left out, as what was told of them is no value of the target; null: there are none.</summary>
    private static Warning? LeftOut(DuckDbSession session, DatasetColumn target, long rows)
    {
        var found = session.Rows($"SELECT count(*), min(actual) FROM joined WHERE {LiveRows.ActualSql("actual", target)} IS NULL")[0];
        if (found[0] is not long count || count == 0)
        {
            return null;
        }
        var (all, example) = (rows + count, found[1] is string text ? Warning.Shorten(text) : "");
        return new Warning(WarningCodes.FeedbackLeftOut, string.Create(
            CultureInfo.InvariantCulture,
            $"{Warning.Share(count, all, "predictions with feedback", "is", "are")} left out: what was told of them, such as '{example}', is no value of "
                + $"'{target.Name}', or is declared to mean a missing one."))
        {
            Column = target.Name,
            Count = count,
            Example = example,
            Headline = count > all * Warning.Many,
        };
    }

    /// <summary>A row for each prediction of which something was told, whichever versions answered it.</summary>
    private static string JoinedSql(IReadOnlyList<string> files, ToldFeedback told, (DateTimeOffset From, DateTimeOffset Until) window)
    {
        var logged = LoggedSql.From(files, LoggedRow.At, LoggedRow.Id, LoggedRow.Key, LoggedRow.Features);
        return $$"""
            WITH predicted AS (SELECT id, min("at") AS "at", any_value(key) AS key, any_value(features) AS features FROM {{logged}}
                WHERE id IS NOT NULL AND features IS NOT NULL AND "at" >= {{Sql.Text(LoggedRow.TimeText(window.From))}} GROUP BY id)
            SELECT p.id, p."at", p.features, n.actual FROM predicted p JOIN {{told.NewestSql("predicted")}} n ON n.id = p.id
            WHERE p."at" < {{Sql.Text(LoggedRow.TimeText(window.Until))}}
            """;
    }

    private async Task<DatasetManifest> CommitAsync(
        string model, (DateTimeOffset From, DateTimeOffset Until) window, ReadRows read, CancellationToken cancel)
    {
        var of = new JsonObject
        {
            ["model"] = model,
            ["from"] = LoggedSource.TimeText(window.From),
            ["until"] = LoggedSource.TimeText(window.Until),
        };
        var parameters = new JsonObject { ["predictions"] = of };
        var content = await HashAsync(read.Parts, cancel);
        var id = DatasetStore.IdOf(IngestStage.Name, [content], parameters);
        if (await datasets.ReuseAsync(id, cancel) is { } existing)
        {
            return existing;
        }
        var draft = new DatasetManifest
        {
            Id = id,
            Stage = IngestStage.Name,
            Parents = [content],
            Parameters = parameters,
            Columns = read.Table.Columns,
            Rows = read.Table.Rows,
            Notes = new JsonObject
            {
                [DatasetNotes.Ragged] = 0L,
                [DatasetNotes.Unparseable] = false,
                [DatasetNotes.Identity] = JsonNode.Parse(Json.Write(read.Identity)),
                [DatasetNotes.Warnings] = JsonNode.Parse(Json.Write(read.Table.Warnings)),
                [DatasetNotes.Hours] = new JsonArray([.. read.Hours.Select(hour => (JsonNode)hour.Replace('-', '/').Replace('T', '/'))]),
            },
        };
        return await datasets.CommitAsync(draft, read.Parts, cancel);
    }

    private static async Task<string> HashAsync(IReadOnlyList<LocalPart> parts, CancellationToken cancel)
    {
        var hashes = new StringBuilder();
        foreach (var part in parts)
        {
            await using var content = File.OpenRead(part.Path);
            hashes.Append(Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel)));
        }
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(hashes.ToString())));
    }

    /// <param name="Table">The columns.</param>
    /// <param name="Parts">The rows.</param>
    /// <param name="Identity">Whether rows can be told apart.</param>
    /// <param name="Hours">The hours in which they were predicted.</param>
    private sealed record ReadRows(RawTable Table, IReadOnlyList<LocalPart> Parts, RowIdentity Identity, IReadOnlyList<string> Hours);
}
