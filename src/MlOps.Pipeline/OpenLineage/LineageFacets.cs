using System.Text.Json.Nodes;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.OpenLineage;

/// <summary>The parts of events that the OpenLineage specification gives names to.</summary>
internal static class LineageFacets
{
    /// <summary>What makes the events.</summary>
    public static string Producer { get; } = $"urn:mlops-functions:{typeof(LineageFacets).Assembly.GetName().Version?.ToString(3)}";

    public static JsonObject Schema(IEnumerable<DatasetColumn> columns) => Facet("1-2-0", "SchemaDatasetFacet", new JsonObject
    {
        ["fields"] = new JsonArray(
            [.. columns.Select(column => (JsonNode)new JsonObject { ["name"] = column.Name, ["type"] = column.Type.ToString().ToUpperInvariant() })]),
    });

    public static JsonObject Version(string version) =>
        Facet("1-0-1", "DatasetVersionDatasetFacet", new JsonObject { ["datasetVersion"] = version });

    public static JsonObject DataSource(string name, Uri uri) =>
        Facet("1-0-1", "DatasourceDatasetFacet", new JsonObject { ["name"] = name, ["uri"] = uri.GetLeftPart(UriPartial.Path) });

    public static JsonObject Type(string type) => Facet("1-0-1", "DatasetTypeDatasetFacet", new JsonObject { ["datasetType"] = type });

    public static JsonObject Written(DatasetManifest version) =>
        Facet("1-0-2", "OutputStatisticsOutputDatasetFacet", Sizes(version.Rows, version.Parts.Sum(part => part.Bytes), version.Parts.Count));

    public static JsonObject Read(DatasetManifest version) =>
        Facet("1-0-0", "InputStatisticsInputDatasetFacet", new JsonObject { ["rowCount"] = version.Rows });

    public static JsonObject Quality(long rows, TableProfile profile) => Facet("1-0-0", "DataQualityMetricsDatasetFacet", new JsonObject
    {
        ["rowCount"] = rows,
        ["columnMetrics"] = new JsonObject(profile.Columns.Select(column => KeyValuePair.Create(column.Key, (JsonNode?)Metrics(column.Value)))),
    });

    public static JsonObject Error(string message) =>
        Facet("1-0-1", "ErrorMessageRunFacet", new JsonObject { ["message"] = message, ["programmingLanguage"] = "C#" });

    public static JsonObject NominalTime(DateTimeOffset at) =>
        Facet("1-0-1", "NominalTimeRunFacet", new JsonObject { ["nominalStartTime"] = LineageEvents.Time(at) });

    public static JsonObject JobType(string type) => Facet("2-0-4", "JobTypeJobFacet", new JsonObject
    {
        ["processingType"] = "BATCH",
        ["integration"] = "MLOPS_FUNCTIONS",
        ["jobType"] = type,
    });

    private static JsonObject Sizes(long rows, long bytes, int files) => new() { ["rowCount"] = rows, ["size"] = bytes, ["fileCount"] = files };

    private static JsonObject Metrics(ColumnProfile column)
    {
        var metrics = new JsonObject { ["count"] = column.Count, ["nullCount"] = column.Missing };
        switch (column)
        {
            case NumericProfile { Count: > 0 } numbers:
                (metrics["min"], metrics["max"], metrics["sum"]) = (numbers.Min, numbers.Max, Finite(numbers.Mean * numbers.Total));
                metrics["distinctCount"] = numbers.IsExact ? numbers.Distinct : null;
                break;
            case CategoryProfile { IsExact: true } categories:
                metrics["distinctCount"] = categories.Counts.Count;
                break;
            default:
                break;
        }
        foreach (var unknown in metrics.Where(metric => metric.Value is null).Select(metric => metric.Key).ToList())
        {
            metrics.Remove(unknown);
        }
        return metrics;
    }

    private static JsonNode? Finite(double number) => double.IsFinite(number) ? number : null;

    private static JsonObject Facet(string version, string name, JsonObject content)
    {
        content.Insert(0, "_producer", Producer);
        content.Insert(1, "_schemaURL", $"https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}");
        return content;
    }
}
