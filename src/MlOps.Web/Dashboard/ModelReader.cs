using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Lineage;
using MlOps.Serving.Monitoring;

namespace MlOps.Web.Dashboard;

/// <summary>Reads what the pages of a model and its versions show.</summary>
public sealed class ModelReader(
    ModelRegistry registry, ModelOverview overview, RunStore runs, AuditTrail trail, LiveDriftStore drift, ArtifactStore artifacts, LineageReader lineage)
{
    private const int RecentRuns = 10;
    private const int AuditRead = 200;

    /// <summary>A model that has a definition, a run or a version; null: there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isAdmin">Whether who asks may see the audit trail.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<ModelData?> FindAsync(string name, bool isAdmin, CancellationToken cancel)
    {
        var model = await registry.FindAsync(name, cancel);
        var recent = await runs.ListAsync(name, RecentRuns, cancel);
        var line = await overview.LineOfAsync(name, model, cancel);
        if (model is null && recent.Count == 0 && !line.IsDeclared)
        {
            return null;
        }
        var versions = model is null ? [] : (await registry.ListVersionsAsync(name, PageQuery.Default, next: null, cancel)).Items;
        var history = model is null ? [] : await registry.ListHistoryAsync(name, PageQuery.Default, cancel);
        var subjects = new[] { $"models/{name}", $"pipelines/{name}", $"datasets/{name}", $"raw/{name}", $"runs/{name}-" };
        var audit = !isAdmin ? null : (await trail.ListAsync(AuditRead, next: null, cancel)).Items
            .Where(entry => subjects.Any(subject => entry.Subject == subject
                || entry.Subject.StartsWith(subject + (subject.EndsWith('-') ? "" : "/"), StringComparison.Ordinal))).ToList();
        return new ModelData(
            line, [.. versions.Select(version => VersionView.Of(version, model!))], history, model?.Traffic,
            await drift.FindNewestAsync(name, cancel) is { } check ? MonitoredWindow.Of(check) : null,
            [.. recent.Select(RunView.Of)], audit);
    }

    /// <summary>A version with what it takes; null: there is none.</summary>
    public async Task<VersionData?> FindVersionAsync(string name, int number, CancellationToken cancel)
    {
        if (await registry.FindAsync(name, cancel) is not { } model || await registry.FindVersionAsync(name, number, cancel) is not { } version)
        {
            return null;
        }
        var featurizer = await version.ToFiles().FindAsync(artifacts, "featurizer.json", cancel) is { } stored
            ? Stored.Read<Featurizer>(stored.ToString())
            : null;
        var details = await runs.FindDetailsAsync(version.RunId, cancel);
        return new VersionData(
            VersionView.Of(version, model), model.Production, model.LatestVersion,
            InputField.Of(featurizer?.Inputs ?? []), featurizer?.Target.Classes?.Count,
            details is null ? [] : RunView.Of(details, definition: null).Artifacts!, details?.Metrics ?? new Dictionary<string, double>(),
            [.. StageWarnings.Of(details?.Stages ?? []).Select(told => told.Warning).Where(warning => warning.Headline)],
            await lineage.OfVersionAsync(name, number, cancel));
    }
}

/// <summary>What a model's page shows.</summary>
/// <param name="Model">The model in a line.</param>
/// <param name="Versions">The newest 50, newest first.</param>
/// <param name="History">The newest 50 moves of aliases.</param>
/// <param name="Traffic">How requests are shared out; null: production answers all.</param>
/// <param name="Check">The last look at live rows; null: there was none.</param>
/// <param name="Runs">Its newest runs.</param>
/// <param name="Audit">Who decided what about it, among the newest 200 decisions; null for who may not see it.</param>
public sealed record ModelData(
    ModelLine Model, IReadOnlyList<VersionView> Versions, IReadOnlyList<AliasChange> History, TrafficSplit? Traffic,
    MonitoredWindow? Check, IReadOnlyList<RunView> Runs, IReadOnlyList<AuditEntry>? Audit);

/// <summary>What a version's page shows.</summary>
/// <param name="Version">The version.</param>
/// <param name="Production">The version in production.</param>
/// <param name="Latest">The newest.</param>
/// <param name="Inputs">What a caller sends.</param>
/// <param name="Classes">Multiclass: how many classes it tells apart; null: another task.</param>
/// <param name="Files">What its run keeps; none where the run is gone.</param>
/// <param name="Logged">All metrics of its run: also the intervals and the baseline.</param>
/// <param name="Headlines">What its run told that nobody should miss who trusts the metrics.</param>
/// <param name="Lineage">What it comes from, and what comes from it.</param>
public sealed record VersionData(
    VersionView Version, int? Production, int Latest, IReadOnlyList<InputField> Inputs, int? Classes,
    IReadOnlyList<ArtifactLink> Files, IReadOnlyDictionary<string, double> Logged, IReadOnlyList<Warning> Headlines, LineageGraph? Lineage);
