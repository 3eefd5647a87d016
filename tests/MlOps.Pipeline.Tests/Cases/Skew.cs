using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>
/// A caller gets what the model was measured by: each validation row, sent as typed JSON, gets the prediction that its table got, and each row of
/// the file, sent as the file's own text, the one that its typed values get. Who has the file scored gets the same, and a problem where a caller is refused.
/// </summary>
internal static class Skew
{
    private const double Tolerance = 1e-6;

    public static async Task CheckAsync(PipelineHost host, RunDetails run, string path)
    {
        var version = await host.Get<ModelRegistry>().GetAsync(run.Run.Model, run.Run.Version!.Value, default);
        var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default);
        var scorer = await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
        var inputs = stored.Featurizer.Inputs;

        var validation = await OpenAsync(host, version.Lineage.Validation);
        var table = await host.Get<FeatureTableCache>().GetAsync(validation, stored.Featurizer, default);
        var predicted = Evaluation.Predict(stored.Transformer, table, 1, stored.Featurizer.Scale);
        var rows = Rows(host, validation, inputs);
        rows.Should().HaveCount(table.Rows).And.NotBeEmpty();
        ShouldAgree(Numbers(scorer.Predict([.. rows.Select(row => Typed(inputs, row))])), predicted, "validation row");

        var definition = (await host.Get<DefinitionStore>().FindAsync(run.Run.Model, default))!;
        var raw = await OpenAsync(host, version.Lineage.Raw);
        var values = Rows(host, raw, inputs);
        if (await TextsAsync(host, path, definition) is not { } texts)
        {
            await CheckScoredAsync(host, run.Run, path, scorer, [.. values.Select(row => Typed(inputs, row))]);
            return;
        }
        await CheckScoredAsync(host, run.Run, path, scorer, [.. texts.Select(row => Text(inputs, row))]);
        values.Should().HaveSameCount(texts);
        var readable = Enumerable.Range(0, texts.Count).Where(IsReadable).ToList();
        readable.Count.Should().BeGreaterThan(texts.Count / 2);
        ShouldAgree(
            Numbers(scorer.Predict([.. readable.Select(i => Text(inputs, texts[i]))])),
            [.. Numbers(scorer.Predict([.. readable.Select(i => Typed(inputs, values[i]))]))], "row of the file");

        // A cell that cannot be read is refused, and its row was left out of training; so is a row without a value that the model must have.
        bool IsReadable(int i) => !inputs.Where((input, column) => values[i][column] is null && (!input.Optional || input.Type != StorageType.Varchar)
            && Says(texts[i][input.Name])).Any() && !inputs.Where((input, column) => values[i][column] is null && !input.Optional).Any();
    }

    /// <summary>The file is scored: each of its rows has the numbers that a caller gets for it, to the last bit.</summary>
    private static async Task CheckScoredAsync(PipelineHost host, Run trained, string path, ModelScorer scorer, IReadOnlyList<JsonElement> rows)
    {
        var started = await host.Get<ScoreStarter>().StartAsync(trained.Model, new ScoreWish(path, Version: trained.Version), "test", default);
        var run = (await host.Get<RunStore>().FindAsync(started.RunId, default))!;
        run.State.Should().Be(RunState.Succeeded, run.Error);
        var table = await OpenAsync(host, run.Dataset!);
        var added = ScoreColumns.Of(table.Manifest.Columns, scorer).Added.Count;
        using var session = host.Get<DuckDb>().Open(default);
        var columns = table.Manifest.Columns.TakeLast(added).Select(column => Sql.Name(column.Name));
        var scored = session.Rows($"SELECT {string.Join(", ", columns)} FROM {table.ToSql()}");
        scored.Should().HaveSameCount(rows);
        for (var i = 0; i < rows.Count; i++)
        {
            scored[i].Should().Equal(
                Answer(scorer, rows[i], added), (mine, callers) => Equals(mine, callers) || (mine, callers) is (string, ""), $"row {i}: {rows[i]}");
        }
    }

    /// <summary>What a caller gets for a row, as a scored table has it; the problem is not compared.</summary>
    private static object?[] Answer(ModelScorer scorer, JsonElement row, int columns)
    {
        try
        {
            var answer = scorer.Predict([row])[0];
            object?[] numbers = answer.Label is null ? [answer.Score] : [answer.Label, answer.Score];
            return [.. numbers, .. (answer.Probabilities ?? []).Cast<object?>(), null];
        }
        catch (InputException)
        {
            return [.. new object?[columns - 1], ""];
        }
    }

    /// <summary>The value or probability of each row; of several classes, row after row, the probability of each.</summary>
    private static IEnumerable<double> Numbers(IEnumerable<Prediction> predictions) =>
        predictions.SelectMany(prediction => prediction.Probabilities ?? [prediction.Score]);

    private static bool Says(string text) => text.Trim().Length > 0;

    private static void ShouldAgree(IEnumerable<double> served, IReadOnlyList<double> expected, string what)
    {
        var i = 0;
        foreach (var score in served)
        {
            score.Should().BeApproximately(expected[i], Tolerance * Math.Max(1, Math.Abs(expected[i])), $"{what} {i}");
            i++;
        }
    }

    private static async Task<LocalTable> OpenAsync(PipelineHost host, string dataset)
    {
        var datasets = host.Get<DatasetStore>();
        return await datasets.OpenAsync(await datasets.GetAsync(dataset, default), default);
    }

    private static IReadOnlyList<object?[]> Rows(PipelineHost host, LocalTable table, IReadOnlyList<FeatureInput> inputs)
    {
        using var session = host.Get<DuckDb>().Open(default);
        return session.Rows($"SELECT {string.Join(", ", inputs.Select(input => Sql.Name(input.Name)))} FROM {table.ToSql()}");
    }

    private static JsonElement Typed(IReadOnlyList<FeatureInput> inputs, object?[] row) =>
        Row(inputs.Select((input, i) => KeyValuePair.Create(input.Name, Typed(row[i]))));

    private static JsonNode? Typed(object? value) => value switch
    {
        null or double.NaN => null,
        double number => JsonValue.Create(number),
        bool flag => JsonValue.Create(flag),
        DateTime time => JsonValue.Create(time.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFF", CultureInfo.InvariantCulture)),
        var text => JsonValue.Create((string)text),
    };

    private static JsonElement Text(IReadOnlyList<FeatureInput> inputs, IReadOnlyDictionary<string, string> row) =>
        Row(inputs.Select(input => KeyValuePair.Create(input.Name, (JsonNode?)JsonValue.Create(row[input.Name]))));

    private static JsonElement Row(IEnumerable<KeyValuePair<string, JsonNode?>> cells) => JsonSerializer.SerializeToElement(new JsonObject(cells));

    /// <summary>The cells of a CSV as they stand there, by column; null: the file has no texts.</summary>
    private static async Task<IReadOnlyList<IReadOnlyDictionary<string, string>>?> TextsAsync(PipelineHost host, string path, PipelineDefinition definition)
    {
        using var source = SourceFile.OpenLocal(path);
        using var scan = await SourceScan.RunAsync(source, host.Get<PipelineOptions>(), default);
        if (scan.Format != SourceFormat.Csv)
        {
            return null;
        }
        using var csv = new CsvTable(scan, source.Name, definition, host.Get<PipelineOptions>(), default);
        var format = CsvSniffer.Sniff(scan, source.Name, definition, new InputLimits());
        using var records = new CsvRecords(scan.Open(), format.Dialect, csv.Columns.Count, true, scan.LineFeeds > 0 && scan.CarriageReturns > scan.Pairs);
        var rows = new List<IReadOnlyDictionary<string, string>>();
        for (var isHeader = format.HasHeader; records.Read(); isHeader = false)
        {
            if (!isHeader && records.State == RecordState.Whole)
            {
                rows.Add(csv.Columns.Select((column, i) => (column.Name, Text: Encoding.UTF8.GetString(records[i])))
                    .ToDictionary(cell => cell.Name, cell => cell.Text, StringComparer.Ordinal));
            }
        }
        return rows;
    }
}
