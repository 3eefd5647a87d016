using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Testing.Docs;

namespace MlOps.Web.Tests.Docs;

/// <summary>A request that the docs make with curl.</summary>
/// <param name="Command">Where it stands.</param>
/// <param name="Method">Its method: curl's default where none is said.</param>
/// <param name="Path">Path and query below the host.</param>
/// <param name="Body">The body; null: there is none.</param>
/// <param name="ContentType">The type of the body, as curl would send it.</param>
internal sealed partial record DocRequest(DocCommand Command, HttpMethod Method, string Path, string? Body, string? ContentType)
{
    /// <summary>What a file holds is the test's.</summary>
    public const string File = "(a file)";

    /// <summary>The status that is shown; null: any success.</summary>
    public int? Status => ShownStatus().Match(Command.Output) is { Success: true } shown
        ? int.Parse(shown.Groups["status"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)
        : CommentedStatus().Match(Command.Text) is { Success: true } comment
            ? int.Parse(comment.Groups["status"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)
            : null;

    /// <summary>The members that the shown answers have.</summary>
    public IEnumerable<string> Members => Member().Matches(OwnNames().Replace(Command.Output, "")).Select(member => member.Groups["name"].Value).Distinct();

    /// <summary>The request of a call of curl; null when it goes to somebody else than a host of ours: what the docs got told by one.</summary>
    /// <exception cref="InvalidDataException">curl would not understand it, or this test does not.</exception>
    public static DocRequest? Of(DocCommand command, IReadOnlyList<string> words)
    {
        string? method = null, path = null, body = null, file = null, type = null;
        for (var i = 1; i < words.Count; i++)
        {
            switch (words[i])
            {
                case "-s" or "-i" or "-N":
                    break;
                case "-X" or "-sX":
                    method = words[++i];
                    break;
                case "-d":
                    body = words[++i];
                    type ??= "application/x-www-form-urlencoded";
                    break;
                case "--data-binary" when words[i + 1].StartsWith('@'):
                    body = File;
                    i++;
                    break;
                case "-T":
                    (file, body) = (words[++i], File);
                    break;
                case "-H":
                    type = words[i + 1].Split(": ") is ["Content-Type", var said] ? said : type;
                    i++;
                    break;
                case "https://HOST":
                    return null;
                case var url when path is null && Address().Match(url) is { Success: true } address:
                    path = address.Groups["path"].Value;
                    break;
                default:
                    throw new InvalidDataException($"{command}: curl's '{words[i]}' is unknown here.");
            }
        }
        method ??= file is not null ? "PUT" : body is not null ? "POST" : "GET";
        // A file that is sent to a folder keeps its name there.
        return new DocRequest(command, new HttpMethod(method), path + (path?.EndsWith('/') == true ? file : ""), body, type);
    }

    public override string ToString() => $"{Command.Block}: {Method} {Path}";

    /// <summary>The body with what <c>…</c> leaves out.</summary>
    /// <param name="row">A whole row of the model.</param>
    public string WholeBody(JsonObject row)
    {
        var marked = Body!.Replace("{…}", "{\"…\": 0}", StringComparison.Ordinal).Replace(", …}", ", \"…\": 0}", StringComparison.Ordinal)
            .Replace(", …]", ", \"…\"]", StringComparison.Ordinal);
        if (!marked.Contains('…'))
        {
            return marked;
        }
        var body = JsonNode.Parse(marked)!;
        Complete(body, row);
        return body.ToJsonString(HttpAssertions.Relaxed);
    }

    private static void Complete(JsonNode? node, JsonObject row)
    {
        switch (node)
        {
            case JsonObject values when values.Remove("…"):
                foreach (var (name, value) in row.Where(cell => !values.ContainsKey(cell.Key)))
                {
                    values[name] = value!.DeepClone();
                }
                break;
            case JsonObject table when table["columns"] is JsonArray columns && columns.Count > 0 && (string?)columns[^1] == "…":
                columns.RemoveAt(columns.Count - 1);
                var left = row.Where(cell => columns.All(column => (string?)column != cell.Key)).ToList();
                left.ForEach(cell => columns.Add(cell.Key));
                foreach (var cells in table["data"]!.AsArray().Select(cells => cells!.AsArray()))
                {
                    cells.RemoveAt(cells.Count - 1);
                    left.ForEach(cell => cells.Add(cell.Value!.DeepClone()));
                }
                break;
            case JsonArray tensors when tensors.Count > 1 && tensors[^1] is JsonValue end && (string?)end == "…" && tensors[0] is JsonObject first:
                tensors.RemoveAt(tensors.Count - 1);
                var rows = first["data"]!.AsArray().Count;
                foreach (var (name, value) in row.Where(cell => tensors.All(tensor => (string?)tensor!["name"] != cell.Key)))
                {
                    tensors.Add(new JsonObject
                    {
                        ["name"] = name,
                        ["datatype"] = value!.GetValueKind() == System.Text.Json.JsonValueKind.String ? "BYTES" : "FP64",
                        ["shape"] = new JsonArray(rows),
                        ["data"] = new JsonArray([.. Enumerable.Range(0, rows).Select(_ => value.DeepClone())]),
                    });
                }
                break;
            case JsonObject other:
                other.ToList().ForEach(member => Complete(member.Value, row));
                break;
            case JsonArray list:
                list.ToList().ForEach(item => Complete(item, row));
                break;
        }
    }

    [GeneratedRegex("^(http://)?127\\.0\\.0\\.1:7071(?<path>/.*)$|^https://HOST(?<path>/.*)$")]
    private static partial Regex Address();

    [GeneratedRegex("^(HTTP/1\\.1 |\\{…,\"status\":)(?<status>[0-9]{3})")]
    private static partial Regex ShownStatus();

    [GeneratedRegex("  # (?<status>[0-9]{3})\\b")]
    private static partial Regex CommentedStatus();

    /// <summary>Each run has its own.</summary>
    [GeneratedRegex("\"(metrics|params)\":\\{[^}]*\\}")]
    private static partial Regex OwnNames();

    [GeneratedRegex("\"(?<name>[A-Za-z][A-Za-z]*)\":")]
    private static partial Regex Member();
}
