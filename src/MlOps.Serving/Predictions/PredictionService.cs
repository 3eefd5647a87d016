using System.Globalization;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>Answers requests for predictions with the model's production version.</summary>
public sealed class PredictionService
{
    /// <summary>The variant that answers while traffic is not split.</summary>
    public const string ProductionVariant = "production";

    private readonly ModelCache cache;
    private readonly ModelNames names;
    private readonly ServingOptions options;
    private readonly InputLimits limits;
    private readonly PredictionLog? log;

    /// <param name="cache">Loaded models.</param>
    /// <param name="names">All models.</param>
    /// <param name="options">What the host decides about serving.</param>
    /// <param name="limits">How much is taken at once.</param>
    /// <param name="log">Takes what was predicted; null: this host keeps none of it.</param>
    internal PredictionService(ModelCache cache, ModelNames names, ServingOptions options, InputLimits limits, PredictionLog? log) =>
        (this.cache, this.names, this.options, this.limits, this.log) = (cache, names, options, limits, log);

    /// <summary>The production versions that are loaded.</summary>
    public IReadOnlyList<LoadedModel> Loaded => [.. cache.Loaded.Select(model => new LoadedModel(model.Model, model.Version))];

    /// <inheritdoc cref="PredictAsync(string?, IReadOnlyList{JsonElement}, Wanted, IReadOnlyList{string?}?, CancellationToken)"/>
    public Task<PredictionResult> PredictAsync(string? model, IReadOnlyList<JsonElement> rows, CancellationToken cancel) =>
        PredictAsync(model, rows, Wanted.Nothing, keys: null, cancel);

    /// <summary>Predicts rows given as JSON objects of raw input columns.</summary>
    /// <param name="model">The model's name; null: the only model there is.</param>
    /// <param name="rows">At most <see cref="InputLimits.RequestRows"/>; one prediction each.</param>
    /// <param name="wanted">What is asked for besides the predictions.</param>
    /// <param name="keys">Whom or what each row is about, by which it is found in the prediction log; null when the caller does not say.</param>
    /// <param name="cancel">Stops waiting.</param>
    /// <exception cref="InputException">Rows do not fit the model's signature (every problem is listed), or it cannot give what is wanted.</exception>
    /// <exception cref="ModelLoadException">The production version cannot be loaded.</exception>
    public async Task<PredictionResult> PredictAsync(
        string? model, IReadOnlyList<JsonElement> rows, Wanted wanted, IReadOnlyList<string?>? keys, CancellationToken cancel)
    {
        RejectTooMany(rows, limits);
        if (model is null)
        {
            var known = await names.ListAsync(cancel);
            if (known.Count != 1)
            {
                return known.Count == 0 ? new PredictionResult.NoneInProduction(null, options.RetryAfter) : new PredictionResult.ModelNotNamed(known);
            }
            model = known[0];
        }
        if (!ModelName.IsValid(model))
        {
            return new PredictionResult.UnknownModel(model, await names.ListAsync(cancel));
        }
        if (await cache.FindAsync(model, cancel) is not { } served)
        {
            return await names.ExistsAsync(model, cancel)
                ? new PredictionResult.NoneInProduction(model, options.RetryAfter)
                : new PredictionResult.UnknownModel(model, await names.ListAsync(cancel));
        }
        var predictions = rows.Count == 0 ? [] : served.Scorer.Predict(rows);
        var ranges = wanted.Interval is { } level ? await served.Scorer.RangesAsync(rows, predictions, level, cancel) : null;
        var explanations = wanted.Explain == ExplainKind.None
            ? null
            : await served.Scorer.ExplainAsync(rows, wanted.Explain == ExplainKind.EveryClass, cancel);
        log?.Add(served, ProductionVariant, rows, predictions, keys);
        return new PredictionResult.Predicted(served.Model, served.Version, ProductionVariant, served.Scorer.Task, predictions, explanations, ranges)
        {
            Classes = served.Scorer.Classes,
            Contract = served.Scorer.Contract,
        };
    }

    /// <exception cref="InputException">There are more rows than are taken at once.</exception>
    internal static void RejectTooMany(IReadOnlyList<JsonElement> rows, InputLimits limits)
    {
        if (rows.Count > limits.RequestRows)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"The request has {rows.Count:N0} rows; {limits.RequestRows:N0} are the most at once. Send several requests, or raise the setting "
                    + $"{InputLimits.Setting(nameof(InputLimits.RequestRows))}."));
        }
    }
}

/// <summary>What is asked for besides predictions.</summary>
/// <param name="Explain">Whether to tell how every prediction comes about, and how much of it.</param>
/// <param name="Interval">Between what each value lies with this probability, or which classes the row may be of; null: not asked for.</param>
public sealed record Wanted(ExplainKind Explain = ExplainKind.None, double? Interval = null)
{
    public static Wanted Nothing { get; } = new();
}
