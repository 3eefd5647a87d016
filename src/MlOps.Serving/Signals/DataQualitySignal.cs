using System.Globalization;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// Whether the cells of live rows are such as training had: the share of missing ones, of categories that training did not have, and of numbers below or above
/// all of training, column by column. Rows that the model refuses are answered with an error and not kept, so they do not count here.
/// </summary>
internal sealed class DataQualitySignal : ISignal
{
    private const int MostParts = 20;

    public string Name => SignalNames.DataQuality;

    public SignalMode ModeOf(PipelineDefinition definition) => definition.Monitor.Signals.DataQuality.Mode;

    public async Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        var limit = window.Definition.Monitor.Signals.DataQuality.RiseAtMost;
        var trained = (await window.FindReferenceAsync(cancel))?.Missing;
        var shares = window.Live.Table.Cells.SelectMany(cells => Shares(window.Live, cells, trained))
            .OrderByDescending(share => share.Rise).ThenBy(share => share.Name, StringComparer.Ordinal).ToList();
        if (shares.Count == 0)
        {
            return SignalResult.NotJudged(Name, "Nothing is known of the cells of training to compare with.");
        }
        var worst = shares[0];
        var bad = shares.Count(share => share.Rise > limit);
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{(bad == 0 ? "No share" : bad == 1 ? "One share" : $"{bad} shares")} of missing, unseen or out-of-range values rose by more than "
                + $"{limit:0.##%}; the largest: {worst.Name}, {worst.Now:0.#%} after {worst.Then:0.#%}.");
        return new SignalResult(Name, bad > 0 ? SignalVerdict.Warning : SignalVerdict.Ok, text)
        {
            Measure = "largest rise",
            Value = Math.Max(0, worst.Rise),
            Threshold = limit,
            Rule = string.Create(CultureInfo.InvariantCulture, $"> {limit}"),
            Rows = window.Live.Rows,
            Parts =
            [
                .. shares.Where(share => share.Now > 0).Take(MostParts)
                    .Select(share => new SignalPart(share.Name, share.Now, share.Then, share.Rise > limit)),
            ],
        };
    }

    private static IEnumerable<Share> Shares(LiveComparison live, LiveCells cells, IReadOnlyDictionary<string, double>? trained)
    {
        double rows = Math.Max(1, live.Rows);
        if (MissingThen(live, cells.Column, trained) is { } then)
        {
            yield return new Share($"{cells.Column}, missing", cells.Missing / rows, then);
        }
        if (cells.OutOfRange is { } outside)
        {
            yield return new Share($"{cells.Column}, out of range", outside / rows, 0);
        }
        if (live.Trained.Columns.GetValueOrDefault(cells.Column) is CategoryProfile { IsExact: true } known
            && live.Now.Columns.GetValueOrDefault(cells.Column) is CategoryProfile { IsExact: true } now)
        {
            var unseen = now.Counts.Where(category => !known.Counts.ContainsKey(category.Key)).Sum(category => category.Value);
            yield return new Share($"{cells.Column}, unseen", unseen / rows, 0);
        }
    }

    /// <summary>
    /// The share of training rows without a value. Null where that is not known: of a version of an earlier release, whose training rows were filled.
    /// </summary>
    private static double? MissingThen(LiveComparison live, string column, IReadOnlyDictionary<string, double>? trained)
    {
        if (trained is not null)
        {
            return trained.TryGetValue(column, out var share) ? share : null;
        }
        var isFilled = live.Table.Rows.Manifest.Notes[DatasetNotes.Imputed]?.AsObject().ContainsKey(column) == true;
        return isFilled || live.Trained.Columns.GetValueOrDefault(column) is not { } profile
            ? null
            : profile.Missing / (double)Math.Max(1, profile.Missing + profile.Count);
    }

    private sealed record Share(string Name, double Now, double Then)
    {
        public double Rise => Now - Then;
    }
}
