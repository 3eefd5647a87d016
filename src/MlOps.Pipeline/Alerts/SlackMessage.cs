using System.Text.Json.Nodes;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>An alert as Slack's Block Kit: a header, names and numbers of what it is about, the reasons, a link.</summary>
internal static class SlackMessage
{
    // Slack refuses a message whose header, section or list of fields is longer.
    private const int LongestHeader = 150;
    private const int LongestSection = 2900;
    private const int MostFields = 10;
    private const int LongestField = 500;

    public static JsonObject Of(Alert alert, AlertSubject subject, Uri baseUrl)
    {
        var blocks = new JsonArray
        {
            new JsonObject { ["type"] = "header", ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = Cut(alert.Title, LongestHeader) } },
            new JsonObject { ["type"] = "section", ["fields"] = Fields(subject) },
        };
        if (alert.Reasons.Count > 0)
        {
            blocks.Add(Section(string.Join('\n', alert.Reasons.Select(reason => $"• {Escape(reason)}"))));
        }
        blocks.Add(Section($"<{AlertSubject.AddressOf(subject, baseUrl)}|Open {Escape(subject.LinkText)}>"));
        return new JsonObject { ["text"] = Escape(Cut(alert.Title, LongestHeader)), ["blocks"] = blocks };
    }

    private static JsonArray Fields(AlertSubject subject) =>
        [.. subject.Fields.Take(MostFields).Select(field => (JsonNode)Text($"*{Escape(field.Name)}*\n{Cut(Escape(field.Value), LongestField)}"))];

    private static JsonObject Section(string markdown) => new() { ["type"] = "section", ["text"] = Text(Cut(markdown, LongestSection)) };

    private static JsonObject Text(string markdown) => new() { ["type"] = "mrkdwn", ["text"] = markdown };

    /// <summary>Slack's three control characters: a column named &lt;!channel&gt; must wake nobody.</summary>
    private static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Cut(string text, int longest) => text.Length <= longest ? text : string.Concat(text.AsSpan(0, longest - 1), "…");
}
