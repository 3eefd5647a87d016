using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>
/// The card as Markdown in the layout of Hugging Face's model card template (after Mitchell et al. 2019, "Model Cards for Model Reporting"),
/// with its metadata block. Names and values from data are escaped: they show as text.
/// </summary>
internal static class ModelCardMarkdown
{
    private const string Special = "\\`*_[]<>#|~$&";

    public static string Of(CardData data)
    {
        var text = new StringBuilder();
        AddMetadata(text, data);
        text.Append(
            CultureInfo.InvariantCulture,
            $"# Model Card for {Escape(data.Version.Model)}, version {data.Version.Version}\n\n{Escape(data.TaskText)}. {Escape(data.Status)}.\n\n");
        foreach (var reason in data.BlockedBy)
        {
            text.Append(CultureInfo.InvariantCulture, $"- {Escape(reason)}\n");
        }
        foreach (var warning in data.Warnings.Where(warning => warning.Headline))
        {
            text.Append(CultureInfo.InvariantCulture, $"- **{Escape(warning.Text)}**\n");
        }
        AddDetails(text, data);
        AddTraining(text, data);
        AddEvaluation(text, data);
        AddRest(text, data);
        return text.ToString();
    }

    /// <summary>Text that Markdown shows as it is: special characters with a backslash, on one line.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var character in text)
        {
            if (char.IsControl(character))
            {
                escaped.Append(' ');
                continue;
            }
            if (Special.Contains(character, StringComparison.Ordinal))
            {
                escaped.Append('\\');
            }
            escaped.Append(character);
        }
        return escaped.ToString();
    }

    private static void AddMetadata(StringBuilder text, CardData data)
    {
        var task = data.Target.Task == TaskKind.Regression ? "tabular-regression" : "tabular-classification";
        var winner = data.Candidates.First(candidate => candidate.IsWinner);
        text.Append(
            CultureInfo.InvariantCulture,
            $"---\nlibrary_name: ml.net\npipeline_tag: {task}\ntags:\n- tabular\n- {task}\nmodel-index:\n- name: {Quote(data.Version.Model)}\n  results:\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"  - task:\n      type: {task}\n    dataset:\n      name: {Quote(data.Source)}\n      type: tabular\n      split: validation\n      "
                + $"revision: {Quote(data.Version.Lineage.Validation)}\n    metrics:\n");
        foreach (var name in DefinitionNames.Metrics[data.Target.Task].Keys.Where(winner.Metrics.ContainsKey))
        {
            text.Append(CultureInfo.InvariantCulture, $"    - type: {Quote(name)}\n      value: {winner.Metrics[name]:R}\n");
        }
        text.Append("---\n\n");
    }

    private static void AddDetails(StringBuilder text, CardData data)
    {
        var definition = data.Definition;
        text.Append("\n## Model Details\n\n### Model Description\n\n");
        Item(text, "Developed by", definition.Owner ?? CardText.NotSaid("owner"));
        Item(text, "Model type", $"{data.Version.Candidate}, ML.NET");
        Item(text, "Trained", $"{CardText.Time(data.Version.Created)}, run {data.Version.RunId}");
        Item(text, "Target", data.TaskText);
        text.Append("\n## Uses\n\n### Direct Use\n\n").Append(Escape(definition.IntendedUse ?? CardText.NotSaid("intendedUse")));
        text.Append("\n\n## Bias, Risks, and Limitations\n\n").Append(Escape(definition.Limits ?? CardText.NotSaid("limits")));
        text.Append("\n\n## How to Get Started with the Model\n\n`POST /predict` with `{\"model\": ").Append(JsonSerializer.Serialize(data.Version.Model))
            .Append(", \"features\": {…}}`; the columns stand in `signature.json`.\n");
    }

    private static void AddTraining(StringBuilder text, CardData data)
    {
        text.Append("\n## Training Details\n\n### Training Data\n\n");
        Item(text, "Source", data.Source);
        if (data.StartedFor is { } cause)
        {
            Item(text, "Started by itself", cause);
        }
        text.Append('\n');
        Table(
            text, ["Data", "Rows", "Version", "Made from"],
            data.Datasets.Select(dataset => new[] { dataset.Role, CardText.RowsOf(dataset), dataset.Id, CardText.Parents(dataset, data.Datasets) }));
        text.Append('\n').Append(Escape(CardText.Dropped(data))).Append(' ').Append(Escape(CardText.Split(data)))
            .Append('\n').Append(string.Concat(data.Warnings.Where(warning => !warning.Headline).Select(warning => $"\n- {Escape(warning.Text)}")))
            .Append("\n\n### Training Procedure\n\n#### Preprocessing\n\n");
        Table(
            text, ["Feature", "Kind", "Missing values"],
            CardText.Features(data.Featurizer).Select(feature => new[] { feature.Name, feature.Kind, feature.Missing }));
        text.Append("\n#### Training Hyperparameters\n\n");
        foreach (var parameter in data.HyperParameters)
        {
            Item(text, parameter.Key, parameter.Value);
        }
    }

    private static void AddEvaluation(StringBuilder text, CardData data)
    {
        var metrics = CardText.MetricNames(data);
        text.Append("\n## Evaluation\n\n### Testing Data, Factors & Metrics\n\nThe validation rows, on which nothing was fitted.");
        text.Append("\n\n### Results\n\n");
        var rows = data.Candidates.Select(candidate => Row(candidate.Key + (candidate.IsWinner ? " (this version)" : ""), candidate.Metrics));
        if (data.Baseline.Count > 0)
        {
            rows = rows.Append(Row(CardText.Baseline(data), data.Baseline));
        }
        if (data.Previous is { } previous)
        {
            var role =
                $"version {previous.Version}, {(data.Promoted ? "replaced" : "in production")}{(previous.OnSameRows ? "" : ", on its own validation rows")}";
            rows = rows.Append(Row(role, previous.Metrics));
        }
        if (data.Intervals.Count > 0)
        {
            rows = rows.Append(["95 % interval of this version", .. metrics.Select(metric => CardText.Interval(data.Intervals, metric))]);
        }
        if (data.Test is { } test)
        {
            rows = rows.Append(Row("this version on the test rows", test.Metrics))
                .Append(["95 % interval on the test rows", .. metrics.Select(metric => CardText.Interval(test.Intervals, metric))]);
        }
        Table(text, ["Model", .. metrics], rows);
        if (CardText.Gain(data) is { } gain)
        {
            text.Append('\n').Append(Escape(gain)).Append('\n');
        }
        if (data.SelectedOnSameRows)
        {
            text.Append('\n').Append(Escape(CardText.Selected(data))).Append('\n');
        }
        if (data.IsCrossValidated)
        {
            text.Append('\n').Append(Escape(CardText.CrossValidated(data))).Append('\n');
        }
        if (data.Performance.Confusion is { } confusion)
        {
            text.Append("\n#### By class\n\n");
            Table(
                text, ["Class", "Rows", "Precision", "Recall", "F1"],
                confusion.Qualities.Select(
                    one => new[] { one.Name, CardText.Count(one.Rows), CardText.Share(one.Precision), CardText.Share(one.Recall), CardText.Share(one.F1) }));
        }
        if (CardText.Calibrated(data) is { } calibrated)
        {
            text.Append('\n').Append(Escape(calibrated)).Append('\n');
        }
        if (data.PredictionIntervals is { } intervals)
        {
            text.Append('\n').Append(Escape(intervals.Describe())).Append('\n');
        }
        foreach (var report in data.Slices)
        {
            text.Append("\n### ").Append(Escape(CardSlices.TitleOf(report))).Append("\n\n");
            Table(text, [.. CardSlices.HeaderOf(report)], CardSlices.RowsOf(report).Select(row => row.ToArray()));
            text.Append('\n').Append(Escape(CardSlices.NoteOf(report))).Append('\n');
        }
        text.Append("\n### Gates\n\n");
        Table(
            text, ["Gate", "Rule", "Verdict", "Detail"],
            data.Gates.Select(gate => new[] { gate.Name, gate.Rule, CardText.Verdict(gate.Verdict), gate.Detail }));

        string[] Row(string name, IReadOnlyDictionary<string, double> values) => [name, .. metrics.Select(metric => CardText.Number(values, metric))];
    }

    private static void AddRest(StringBuilder text, CardData data)
    {
        text.Append("\n## Model Examination\n\n");
        foreach (var picture in data.Pictures.Keys)
        {
            text.Append(CultureInfo.InvariantCulture, $"![{Escape(CardText.PictureTitle(picture))}]({CardText.Link(picture)})\n\n");
        }
        foreach (var comparison in data.Drift?.Comparisons ?? [])
        {
            text.Append("- Drift of ").Append(Escape(CardText.Drift(comparison))).Append('\n');
        }
        text.Append("\n## More Information\n\n");
        foreach (var artifact in data.Artifacts)
        {
            text.Append(CultureInfo.InvariantCulture, $"- [{Escape(artifact.Path)}]({CardText.Link(artifact.Path)}), {CardText.Size(artifact.Bytes)}\n");
        }
        text.Append("\n## Model Card Contact\n\n").Append(Escape(data.Definition.Owner ?? CardText.NotSaid("owner"))).Append('\n');
    }

    private static void Item(StringBuilder text, string name, string value) =>
        text.Append(CultureInfo.InvariantCulture, $"- **{Escape(name)}:** {Escape(value)}\n");

    private static void Table(StringBuilder text, string[] header, IEnumerable<string[]> rows)
    {
        Line(header.Select(Escape));
        Line(header.Select(_ => "---"));
        foreach (var row in rows)
        {
            Line(row.Select(Escape));
        }

        void Line(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    /// <summary>A YAML string; JSON's are a part of YAML.</summary>
    private static string Quote(string text) => JsonSerializer.Serialize(text);
}
