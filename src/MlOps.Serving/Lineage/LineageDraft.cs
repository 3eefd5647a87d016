using System.Globalization;

namespace MlOps.Serving.Lineage;

/// <summary>A lineage as it is put together: what is added twice stands in it once.</summary>
internal sealed class LineageDraft
{
    private readonly OrderedDictionary<string, LineageNode> nodes = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<LineageEdge, bool> edges = [];

    /// <returns>The node's id.</returns>
    public string Node(LineageKind kind, string id, string label)
    {
        var key = Key(kind, id);
        nodes.TryAdd(key, new LineageNode(key, kind, label));
        return key;
    }

    public string Run(string runId) => Node(LineageKind.Run, runId, $"run {runId}");

    public string Version(string model, int number) =>
        Node(LineageKind.Version, $"{model}@{number.ToString(CultureInfo.InvariantCulture)}", $"{model} version {number}");

    /// <param name="model">The model.</param>
    /// <param name="stage">What it is to the model.</param>
    /// <param name="id">The dataset version.</param>
    /// <param name="rows">Its rows; null: it is collected.</param>
    public string Dataset(string model, string stage, string id, long? rows) => Node(
        LineageKind.Dataset, $"{model}@{id}",
        rows is null ? $"{stage} {id[..8]}, not here" : string.Create(CultureInfo.InvariantCulture, $"{stage} {id[..8]}, {rows} rows"));

    /// <param name="model">The model.</param>
    /// <param name="hour">As <see cref="HourText"/> writes it.</param>
    public string Hour(string model, string hour) =>
        Node(LineageKind.Predictions, $"{model}/{hour}", $"predictions {hour[..10].Replace('/', '-')} {hour[11..]}:00");

    public void Edge(string from, string to, string word) => edges.TryAdd(new LineageEdge(from, to, word), true);

    /// <summary>Says how many more there are than are shown.</summary>
    /// <param name="beside">The node at which they would be.</param>
    /// <param name="of">What they are, such as <c>scoring runs</c>.</param>
    /// <param name="count">How many more.</param>
    /// <param name="isLeast">Whether not all were counted.</param>
    /// <returns>The node's id; null where all are shown.</returns>
    public string? More(string beside, string of, int count, bool isLeast = false) => count <= 0
        ? null
        : Node(
            LineageKind.More, $"{beside}/{of.Replace(' ', '-')}",
            string.Create(CultureInfo.InvariantCulture, $"{(isLeast ? "at least " : "")}{count} more {of}"));

    public LineageGraph? ToGraph() => nodes.Count == 0 ? null : new LineageGraph([.. nodes.Values], [.. edges.Keys]);

    public static string Key(LineageKind kind, string id) => $"{kind.ToString().ToLowerInvariant()}/{id}";

    public static string HourText(DateTimeOffset hour) => hour.UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture);
}
