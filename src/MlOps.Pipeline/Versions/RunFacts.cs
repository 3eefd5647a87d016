using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Versions;

/// <summary>What of a run must be the same when it runs again: the content of its tables, the bytes of its models, its metrics.</summary>
public sealed class RunFacts(DataLog log, DatasetStore datasets, RunStore runs, TrainedModels models)
{
    /// <summary>The facts in the order of the run.</summary>
    public async Task<IReadOnlyList<RunFact>> ReadAsync(RunDetails details, CancellationToken cancel)
    {
        var facts = new List<RunFact>();
        var had = await log.ListOfRunAsync(details.Run.Model, details.Run.RunId, cancel);
        var uses = had.ToDictionary(use => use.Stage, use => use.Id, StringComparer.Ordinal);
        foreach (var stage in DataEntry.Stages.Where(uses.ContainsKey))
        {
            var version = await datasets.GetAsync(uses[stage], cancel);
            facts.Add(new RunFact($"{stage} rows", Number(version.Rows)));
            if (version.Projection is not null || version.Selection is not null)
            {
                facts.Add(new RunFact($"{stage} view (SHA-256)", HashOf(version)));
            }
            facts.AddRange(version.Parts.Select((part, i) => new RunFact($"{stage} part {Number(i)} (SHA-256)", part.Name)));
        }
        foreach (var stage in details.Stages.Where(stage => stage.Stage == TrainStage.Name).OrderBy(stage => stage.Key, StringComparer.Ordinal))
        {
            facts.AddRange(await OfCandidateAsync(details.Run.RunId, stage.Key, cancel));
        }
        facts.AddRange(details.Metrics.Where(metric => !IsOfTheMoment(metric.Key)).OrderBy(metric => metric.Key, StringComparer.Ordinal)
            .Select(metric => new RunFact($"metric {metric.Key}", metric.Value.ToString("R", CultureInfo.InvariantCulture))));
        return facts;
    }

    /// <summary>Holds the facts of a run to those of the run that was run again.</summary>
    /// <param name="first">The run's.</param>
    /// <param name="second">Those of the second time. What only they have comes last.</param>
    /// <param name="error">What the second run failed with; null: it did not.</param>
    public static RunComparison Compare(IReadOnlyList<RunFact> first, IReadOnlyList<RunFact> second, string? error)
    {
        var (then, now) = (ByWhat(first), ByWhat(second));
        var difference = first.Concat(second).Select(fact => new FactDifference(fact.What, then.GetValueOrDefault(fact.What), now.GetValueOrDefault(fact.What)))
            .FirstOrDefault(fact => fact.Is != fact.Was);
        return new RunComparison(first.Count, difference, error);
    }

    /// <summary>
    /// What a view has is decided by the table that it is of and by how it computes and selects. No such is its id: that is of the definition's very words too.
    /// </summary>
    private static string HashOf(DatasetManifest view) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json.Write(new ViewContent(view.Columns, view.Projection, view.Selection)))));

    private static Dictionary<string, string> ByWhat(IReadOnlyList<RunFact> facts) =>
        facts.ToDictionary(fact => fact.What, fact => fact.Value, StringComparer.Ordinal);

    private async Task<IReadOnlyList<RunFact>> OfCandidateAsync(string runId, string key, CancellationToken cancel)
    {
        if (await runs.FindResultAsync(runId, TrainStage.Name, key, cancel) is not { } result)
        {
            return [];
        }
        var files = await models.FilesAsync(Json.Read<TrainOutput>(result).Candidate.ModelBlobs, cancel);
        return
        [
            .. (files.Sha256 ?? new Dictionary<string, string>()).Where(file => file.Key != CandidateTraining.MetricsFile)
                .OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => new RunFact($"candidate {key}: {file.Key} (SHA-256)", file.Value)),
        ];
    }

    /// <summary>Times, how far something is, and what the production version at that time has to do with: no rows and no models of the run.</summary>
    private static bool IsOfTheMoment(string metric) =>
        metric.EndsWith("." + TrainedCandidate.Seconds, StringComparison.Ordinal)
        || TrainingWatch.IsOne(metric) || DriftStage.IsOfTheMoment(metric) || ProductionMetrics.IsOne(metric) || CanaryJudgeStage.IsMetric(metric);

    private static string Number(long count) => count.ToString(CultureInfo.InvariantCulture);

    private sealed record ViewContent(IReadOnlyList<DatasetColumn> Columns, IReadOnlyList<ColumnExpression>? Projection, RowSelection? Selection);
}

/// <param name="What">What it is a fact of.</param>
/// <param name="Value">The fact.</param>
public sealed record RunFact(string What, string Value);

/// <summary>What came of running a run again.</summary>
/// <param name="Facts">How many facts the run has.</param>
/// <param name="Difference">The first that is another one, or missing, the second time; null when all are the same.</param>
/// <param name="Error">What the run failed with the second time; null: it did not.</param>
public sealed record RunComparison(int Facts, FactDifference? Difference, string? Error)
{
    /// <summary>The same in words.</summary>
    public IReadOnlyList<string> Sentences =>
    [
        .. Error is null ? Array.Empty<string>() : [$"The run failed this time: {Error}"],
        Difference is var (what, was, found)
            ? $"Not the same. The first difference: {what} was {was ?? "missing"}, and is {found ?? "missing"} now."
            : $"The same: {Facts} facts compared (rows and bytes of tables, bytes of models, metrics).",
    ];
}
