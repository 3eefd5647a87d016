using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>An alert as Slack's Block Kit: a header, the run's names and numbers, the reasons, a link.</summary>
internal static class SlackMessage
{
    // Slack refuses a message whose header, section or list of fields is longer.
    private const int LongestHeader = 150;
    private const int LongestSection = 2900;
    private const int MostFields = 10;
    private const int LongestField = 500;

    public static JsonObject Of(Alert alert, RunDetails details, Uri baseUrl)
    {
        var run = details.Run;
        var link = new Uri(baseUrl, $"/runs/{Uri.EscapeDataString(run.RunId)}");
        var blocks = new JsonArray
        {
            new JsonObject { ["type"] = "header", ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = Cut(alert.Title, LongestHeader) } },
            new JsonObject { ["type"] = "section", ["fields"] = Fields(details) },
        };
        if (alert.Reasons.Count > 0)
        {
            blocks.Add(Section(string.Join('\n', alert.Reasons.Select(reason => $"• {Escape(reason)}"))));
        }
        blocks.Add(Section($"<{link}|Open run {Escape(run.RunId)}>"));
        return new JsonObject { ["text"] = Escape(Cut(alert.Title, LongestHeader)), ["blocks"] = blocks };
    }

    private static JsonArray Fields(RunDetails details)
    {
        var run = details.Run;
        var fields = new List<(string Name, string Value)> { ("Model", run.Model), ("Run", run.RunId), ("Version", run.Version?.ToString(CultureInfo.InvariantCulture) ?? "none") };
        fields.AddRange(details.Metrics.Where(metric => IsTold(metric.Key)).Select(metric => (metric.Key, metric.Value.ToString("G5", CultureInfo.InvariantCulture))));
        return [.. fields.Take(MostFields).Select(field => (JsonNode)Text($"*{Escape(field.Name)}*\n{Cut(Escape(field.Value), LongestField)}"))];
    }

    private static bool IsTold(string metric) =>
        metric.StartsWith("val_", StringComparison.Ordinal) || metric.StartsWith("production_", StringComparison.Ordinal) || (metric.StartsWith("drift_", StringComparison.Ordinal) && metric.EndsWith("_share", StringComparison.Ordinal));

    private static JsonObject Section(string markdown) => new() { ["type"] = "section", ["text"] = Text(Cut(markdown, LongestSection)) };

    private static JsonObject Text(string markdown) => new() { ["type"] = "mrkdwn", ["text"] = markdown };

    /// <summary>Slack's three control characters: a column named &lt;!channel&gt; must wake nobody.</summary>
    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Cut(string text, int longest) => text.Length <= longest ? text : string.Concat(text.AsSpan(0, longest - 1), "…");
}
