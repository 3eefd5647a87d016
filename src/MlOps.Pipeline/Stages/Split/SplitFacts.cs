using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Split;

/// <summary>What the side of a row followed from, as params of the run.</summary>
internal static class SplitFacts
{
    /// <summary>What decides the side: <c>row</c>, <c>group …</c> or <c>time …</c>.</summary>
    public const string By = "split.by";

    /// <summary>The columns that a row's hash is made of, in their order.</summary>
    public const string Key = "split.key";

    /// <summary>Why these.</summary>
    public const string KeyFrom = "split.keyFrom";

    /// <summary>How many of the training rows are trained on, where that is a sample.</summary>
    public const string Sample = "split.sample";

    /// <summary>The share of test rows, and why, where there are any.</summary>
    public const string Test = "split.test";

    private const int MostNamed = 100;

    /// <param name="datasets">Where the table that was cleaned is.</param>
    /// <param name="features">The table that is split.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="rules">What is declared.</param>
    /// <param name="cancel">Stops the reading.</param>
    public static async Task<IReadOnlyDictionary<string, string>> OfAsync(
        DatasetStore datasets, DatasetManifest features, DatasetManifest train, SplitRules rules, CancellationToken cancel)
    {
        var facts = new Dictionary<string, string>
        {
            [By] = rules switch { { Time: { } time } => $"time {time}", { Group: { } group } => $"group {group}", _ => "row" },
        };
        var clean = await datasets.GetAsync(features.Parents[0], cancel);
        if (clean.Notes[DatasetNotes.SplitKey]?.AsArray().Select(column => column!.GetValue<string>()).ToList() is { } key)
        {
            facts[Key] = string.Join(", ", key.Take(MostNamed)) + (key.Count > MostNamed ? $", … ({key.Count} columns)" : "");
            facts[KeyFrom] = rules.Key.Count > 0 && key.SequenceEqual(rules.Key)
                ? "declared (split.key)"
                : key.SequenceEqual(FeaturePlan.Of(features).Key) ? "the columns of the model" : "the columns that production and the file share";
        }
        if (train.Selection?.Test is { } test)
        {
            facts[Test] = FormattableString.Invariant($"{test}, {(rules.Test is null ? "as the table is too large for folds" : "declared")}");
        }
        if (train.Notes[DatasetNotes.SampledFrom]?.GetValue<long>() is { } all)
        {
            facts[Sample] = FormattableString.Invariant($"{train.Rows} of {all} training rows");
        }
        return facts;
    }
}
