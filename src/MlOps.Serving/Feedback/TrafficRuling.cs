using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Feedback;

/// <summary>
/// Does what a definition's rules decide of a split that a person has made: stands in the audit trail, and is told to people at most once. Done first and
/// told then: a host that dies in between has done it, and the trail says so.
/// </summary>
public sealed class TrafficRuling(ModelRegistry registry, ModelTraffic traffic, AuditTrail audit, AlertSender alerts, PipelineStorage storage)
{
    private const string By = "rule";

    /// <summary>Puts a version into production in place of the one of the split; nothing happens when another is there by now.</summary>
    public async Task PromoteAsync(string model, TrafficSplit split, int version, string reason, CancellationToken cancel)
    {
        var promoted = false;
        await audit.RecordAsync(
            By, "alias", $"models/{model}",
            async () =>
            {
                promoted = (await registry.PromoteAsync(model, version, split.Production, $"traffic-{split.Id}", cancel)).Promoted;
                return promoted ? (Text(split.Production), Text(version)) : (Text(split.Production), null);
            },
            cancel);
        if (promoted)
        {
            await TellAsync(model, split, version, $"{model}: version {version} is in production, by rule", reason, cancel);
        }
    }

    /// <summary>Takes a version out of the split; nothing happens when it is another by now.</summary>
    public async Task TakeOutAsync(string model, TrafficSplit split, int version, string reason, CancellationToken cancel)
    {
        await audit.RecordAsync(
            By, "traffic", $"models/{model}",
            async () =>
            {
                var after = await traffic.TakeOutAsync(model, split.Id, version, reason, cancel);
                return (split.ToString(), after.Traffic?.ToString() ?? "all to production");
            },
            cancel);
        await TellAsync(model, split, version, $"{model}: version {version} is taken out of the traffic, by rule", reason, cancel);
    }

    private async Task TellAsync(string model, TrafficSplit split, int version, string title, string reason, CancellationToken cancel)
    {
        if (await TryClaimAsync(model, $"{split.Id}-{version.ToString(CultureInfo.InvariantCulture)}", cancel))
        {
            await alerts.SendAsync(alerts.New(AlertKind.TrafficDecided, title, [reason]), SubjectOf(model, split, version), cancel);
        }
    }

    /// <summary>True for the first who tells this of the model: the last that was told is kept, as a split is over when something of it is decided.</summary>
    private async Task<bool> TryClaimAsync(string model, string told, CancellationToken cancel)
    {
        const string Told = "Told";
        var found = await storage.Marks.GetEntityIfExistsAsync<TableEntity>(MarkKinds.Traffic, model, cancellationToken: cancel);
        var last = found.HasValue ? found.Value : null;
        var mark = new TableEntity(MarkKinds.Traffic, model) { [Told] = told };
        return last?.GetString(Told) != told && await (last is null
            ? storage.Marks.AddEntityAsync(mark, cancel)
            : storage.Marks.UpdateEntityAsync(mark, last.ETag, TableUpdateMode.Replace, cancel)).WinsAsync();
    }

    private static AlertSubject SubjectOf(string model, TrafficSplit split, int version) => new(
        $"Traffic of model {model}",
        [
            ("Model", model),
            ("Version", version.ToString(CultureInfo.InvariantCulture)),
            ("Production", split.Production.ToString(CultureInfo.InvariantCulture)),
            ("Traffic", split.ToString()),
            ("Since", split.Since.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)),
        ],
        $"/models/{Uri.EscapeDataString(model)}/versions/{version.ToString(CultureInfo.InvariantCulture)}",
        $"version {version} of {model}");

    private static string Text(int version) => $"version {version.ToString(CultureInfo.InvariantCulture)}";
}
