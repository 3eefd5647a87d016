using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>What of a run must be the same when it runs again: the content of its tables, the bytes of its models, its metrics.</summary>
public sealed class RunFacts(DataLog log, DatasetStore datasets, RunStore runs, TrainedModels models)
{
    /// <summary>What is a time, and another one each time.</summary>
    private const string Seconds = "seconds";

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
            facts.AddRange(version.Parts.Select((part, i) => new RunFact($"{stage} part {Number(i)} (SHA-256)", part.Name)));
        }
        foreach (var stage in details.Stages.Where(stage => stage.Stage == TrainStage.Name).OrderBy(stage => stage.Key, StringComparer.Ordinal))
        {
            facts.AddRange(await OfCandidateAsync(details.Run.RunId, stage.Key, cancel));
        }
        facts.AddRange(details.Metrics.Where(metric => IsOfTheData(metric.Key)).OrderBy(metric => metric.Key, StringComparer.Ordinal)
            .Select(metric => new RunFact($"metric {metric.Key}", metric.Value.ToString("R", CultureInfo.InvariantCulture))));
        return facts;
    }

    /// <summary>Holds the facts of a run to those of the run that was run again.</summary>
    /// <param name="first">The run's.</param>
    /// <param name="second">Those of the second time, which may be fewer, or more.</param>
    /// <param name="error">What the second run failed with; null: it did not.</param>
    public static RunComparison Compare(IReadOnlyList<RunFact> first, IReadOnlyList<RunFact> second, string? error)
    {
        var other = second.ToDictionary(fact => fact.What, fact => fact.Value, StringComparer.Ordinal);
        var difference = first.Select(fact => new FactDifference(fact.What, fact.Value, other.GetValueOrDefault(fact.What)))
            .FirstOrDefault(fact => fact.Is != fact.Was);
        return new RunComparison(first.Count, difference, error);
    }

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

    /// <summary>Of the rows and the models; not of the production version at that time, which is no part of the run.</summary>
    private static bool IsOfTheData(string metric) =>
        !metric.Contains(Seconds, StringComparison.Ordinal)
        && (WinnerMetrics.IsOne(metric) || metric.Contains("." + WinnerMetrics.Validation, StringComparison.Ordinal));

    private static string Number(long count) => count.ToString(CultureInfo.InvariantCulture);
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
            ? $"Not the same. The first difference: {what} was {was}, and is {found ?? "missing"} now."
            : $"The same: {Facts} facts compared (rows and bytes of tables, bytes of models, metrics).",
    ];
}
