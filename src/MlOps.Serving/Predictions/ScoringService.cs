using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>
/// What every protocol asks, however its bodies look: rows for the production version, as <see cref="PredictionService"/> answers them, or for a version by
/// its number. Rows for a version by number are not kept in the prediction log, which is what production was asked.
/// </summary>
public sealed class ScoringService
{
    private const int MostVersionsTold = 100;

    private readonly PredictionService production;
    private readonly VersionCache versions;
    private readonly ProductionNames inProduction;
    private readonly ModelNames names;
    private readonly ModelRegistry registry;
    private readonly InputLimits limits;
    private readonly ServingOptions options;
    private readonly TimeProvider time;

    internal ScoringService(
        PredictionService production, VersionCache versions, ProductionNames inProduction, ModelNames names, ModelRegistry registry, InputLimits limits,
        ServingOptions options, TimeProvider time)
    {
        (this.production, this.versions, this.inProduction, this.names) = (production, versions, inProduction, names);
        (this.registry, this.limits, this.options, this.time) = (registry, limits, options, time);
    }

    /// <summary>What a version takes and gives: a prediction of no rows.</summary>
    /// <inheritdoc cref="ScoreAsync"/>
    public Task<PredictionResult> DescribeAsync(string? model, int? version, CancellationToken cancel) => ScoreAsync(model, version, [], cancel);

    /// <summary>Predicts rows given as JSON objects of raw input columns.</summary>
    /// <param name="model">The model's name; null: the only one in production.</param>
    /// <param name="version">The version's number; null: the one in production.</param>
    /// <param name="rows">At most <see cref="InputLimits.RequestRows"/>; one prediction each.</param>
    /// <param name="cancel">Stops waiting.</param>
    /// <exception cref="InputException">Rows do not fit the model's signature (every problem is listed).</exception>
    /// <exception cref="ModelLoadException">The version cannot be loaded.</exception>
    public async Task<PredictionResult> ScoreAsync(string? model, int? version, IReadOnlyList<JsonElement> rows, CancellationToken cancel)
    {
        if (model is null)
        {
            var known = await inProduction.ListAsync(cancel);
            if (known.Count != 1)
            {
                return known.Count == 0 ? new PredictionResult.NoneInProduction(null, options.RetryAfter) : new PredictionResult.ModelNotNamed(known);
            }
            model = known[0];
        }
        if (version is not { } number)
        {
            return await production.PredictAsync(model, rows, cancel);
        }
        limits.RejectTooMany(rows.Count, "rows");
        if (await FindAsync(model, number, cancel) is not { } served)
        {
            return await UnknownAsync(model, number, cancel);
        }
        var started = time.GetTimestamp();
        var predictions = rows.Count == 0 ? [] : served.Scorer.Predict(rows);
        served.Measure(rows.Count, time.GetElapsedTime(started));
        return Answered(served, predictions);
    }

    /// <summary>
    /// Predicts a row to see what a version makes of it: with how the prediction comes about and how sure it is, as far as the version can tell.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version's number.</param>
    /// <param name="row">An object of raw input columns.</param>
    /// <param name="level">The probability of the interval, 0.5 to 0.99.</param>
    /// <param name="everyClass">Multiclass: every class's score is explained, not only that of the predicted class.</param>
    /// <param name="cancel">Stops waiting.</param>
    /// <exception cref="InputException">The row does not fit the model's signature.</exception>
    /// <exception cref="ModelLoadException">The version cannot be loaded.</exception>
    public async Task<PredictionResult> TryAsync(
        string model, int version, JsonElement row, double level, bool everyClass, CancellationToken cancel)
    {
        if (await FindAsync(model, version, cancel) is not { } served)
        {
            return await UnknownAsync(model, version, cancel);
        }
        var answer = Answered(served, served.Scorer.Predict([row]));
        return answer with
        {
            Ranges = await OrNothingAsync(() => served.Scorer.RangesAsync([row], answer.Predictions, level, cancel)),
            Explanations = await OrNothingAsync(() => served.Scorer.ExplainAsync([row], everyClass, cancel)),
        };
    }

    /// <summary>The row was predicted: what is refused now is what the version cannot give.</summary>
    private static async Task<T?> OrNothingAsync<T>(Func<Task<T>> ask) where T : class
    {
        try
        {
            return await ask();
        }
        catch (InputException)
        {
            return null;
        }
    }

    private async ValueTask<ServedModel?> FindAsync(string model, int version, CancellationToken cancel) =>
        ModelName.IsValid(model) ? await versions.FindAsync(model, version, cancel) : null;

    private async Task<PredictionResult> UnknownAsync(string model, int version, CancellationToken cancel) =>
        ModelName.IsValid(model) && await names.ExistsAsync(model, cancel)
            ? new PredictionResult.UnknownVersion(model, version)
            : new PredictionResult.UnknownModel(model, await names.ListAsync(cancel));

    private PredictionResult.Predicted Answered(ServedModel served, IReadOnlyList<Prediction> predictions) =>
        new(served.Model, served.Version, Variants.Version, served.Scorer.Task, predictions)
        {
            Id = PredictionId.New(time.GetUtcNow()),
            Classes = served.Scorer.Classes,
            Contract = served.Scorer.Contract,
        };

    /// <summary>Numbers of the versions that may be asked for, newest first: the newest 100 at most.</summary>
    public async Task<IReadOnlyList<int>> VersionsAsync(string model, CancellationToken cancel) =>
        [.. (await registry.ListVersionsAsync(model, MostVersionsTold, next: null, cancel)).Items.Select(version => version.Version)];
}
