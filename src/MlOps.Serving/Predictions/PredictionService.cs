using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>
/// Answers requests for predictions with the model's production version, or with the versions between which its requests are shared out. A challenger that
/// cannot answer costs nobody an answer: production gives it.
/// </summary>
public sealed partial class PredictionService
{
    private readonly ModelCache cache;
    private readonly ModelNames names;
    private readonly ServingOptions options;
    private readonly InputLimits limits;
    private readonly PredictionLog? log;
    private readonly ShadowScorer? shadows;
    private readonly ChallengerFaults faults;
    private readonly TimeProvider time;
    private readonly ILogger<PredictionService> logger;

    /// <param name="cache">Loaded models.</param>
    /// <param name="names">All models.</param>
    /// <param name="options">What the host decides about serving.</param>
    /// <param name="limits">How much is taken at once.</param>
    /// <param name="kept">Where predicted rows go.</param>
    /// <param name="faults">Says which faults of challengers are worth telling.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where those are told.</param>
    internal PredictionService(
        ModelCache cache, ModelNames names, ServingOptions options, InputLimits limits, KeptRows kept, ChallengerFaults faults, TimeProvider time,
        ILogger<PredictionService> logger)
    {
        (this.cache, this.names, this.options, this.limits) = (cache, names, options, limits);
        (log, shadows, this.faults, this.time, this.logger) = (kept.Log, kept.Shadows, faults, time, logger);
    }

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
        ServedModel? served = null;
        try
        {
            limits.RejectTooMany(rows.Count, "rows");
            if (model is null)
            {
                var known = await names.ListAsync(cancel);
                if (known.Count != 1)
                {
                    return Refused(
                        known.Count == 0 ? new PredictionResult.NoneInProduction(null, options.RetryAfter) : new PredictionResult.ModelNotNamed(known));
                }
                model = known[0];
            }
            if (!ModelName.IsValid(model))
            {
                return Refused(new PredictionResult.UnknownModel(model, await names.ListAsync(cancel)));
            }
            served = await cache.FindAsync(model, cancel);
            if (served is null)
            {
                return Refused(await names.ExistsAsync(model, cancel)
                    ? new PredictionResult.NoneInProduction(model, options.RetryAfter)
                    : new PredictionResult.UnknownModel(model, await names.ListAsync(cancel)));
            }
            var id = PredictionId.New(time.GetUtcNow());
            return served.Traffic is not { HasChallengers: true } traffic || rows.Count == 0
                ? await AnswerAsync(served, served, new AskedRows(id, rows, keys, Places: null), wanted, cancel)
                : await ShareAsync(served, traffic, new AskedRows(id, rows, keys, Places: null), wanted, cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            CountError(fault.GetType().Name, served);
            throw;
        }
    }

    private static PredictionResult Refused(PredictionResult result)
    {
        CountError(result.GetType().Name, served: null);
        return result;
    }

    /// <summary>A name that a caller made up is no label: it is told where a model of the name serves.</summary>
    private static void CountError(string type, ServedModel? served)
    {
        var tags = new TagList { { Telemetry.ErrorType, type } };
        if (served is not null)
        {
            tags.Add(Telemetry.Model, served.Model);
        }
        Telemetry.PredictErrors.Add(1, tags);
    }

    /// <summary>Rows that have a key go to the version of their key; rows without one, all of a request to any.</summary>
    private async Task<PredictionResult> ShareAsync(ServedModel served, ServedTraffic traffic, AskedRows asked, Wanted wanted, CancellationToken cancel)
    {
        var any = traffic.Split.VersionOf(TrafficSplit.AnyBucket());
        if (asked.Keys is not { } keys)
        {
            return await AnswerAsync(Find(any), served, asked, wanted, cancel);
        }
        var parts = Enumerable.Range(0, asked.Rows.Count)
            .GroupBy(row => keys[row] is { } key ? traffic.Split.VersionOf(TrafficSplit.BucketOf(key)) : any).ToList();
        if (parts.Count == 1)
        {
            return await AnswerAsync(Find(parts[0].Key), served, asked, wanted, cancel);
        }
        if (wanted.Explain != ExplainKind.None)
        {
            throw new InputException(
                "Several versions answer rows of this request, as the model's traffic is split, and each explains itself by features of its own: leave out "
                    + "'explain', or send the rows one by one.");
        }
        var answers = new List<(IReadOnlyList<int> Places, PredictionResult.Predicted Answer)>();
        foreach (var part in parts)
        {
            var places = part.ToList();
            answers.Add((places, await AnswerAsync(Find(part.Key), served, asked.Only(places), wanted, cancel)));
        }
        return JoinedAnswer.Of(asked.Rows.Count, answers);

        ServedModel Find(int version) => version == served.Version ? served : traffic.Others.GetValueOrDefault(version) ?? served;
    }

    private async ValueTask<PredictionResult.Predicted> AnswerAsync(
        ServedModel version, ServedModel production, AskedRows asked, Wanted wanted, CancellationToken cancel)
    {
        try
        {
            return await AnswerAsync(version, version == production ? Variants.Production : Variants.Challenger, production, asked, wanted, cancel);
        }
        catch (Exception fault) when (version != production && !cancel.IsCancellationRequested)
        {
            // Where the row itself is wrong production says so; what only the challenger could not do is its fault.
            var answer = await AnswerAsync(production, Variants.Production, production, asked, wanted, cancel);
            log?.Add(new AnsweredRows(version, Variants.Challenger, asked, Predictions: null, Ranges: null, TimeSpan.Zero));
            if (faults.IsNews(version.Model, production.Traffic!.Split.Id, version.Version))
            {
                LogChallengerFailed(version.Model, version.Version, fault);
            }
            return answer;
        }
    }

    private async ValueTask<PredictionResult.Predicted> AnswerAsync(
        ServedModel served, string variant, ServedModel production, AskedRows asked, Wanted wanted, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        var predictions = asked.Rows.Count == 0 ? [] : served.Scorer.Predict(asked.Rows);
        var ranges = wanted.Interval is { } level ? await served.Scorer.RangesAsync(asked.Rows, predictions, level, cancel) : null;
        var explanations = wanted.Explain == ExplainKind.None
            ? null
            : await served.Scorer.ExplainAsync(asked.Rows, wanted.Explain == ExplainKind.EveryClass, cancel);
        var took = time.GetElapsedTime(started);
        served.Measure(asked.Rows.Count, took);
        var answered = new AnsweredRows(served, variant, asked, predictions, ranges, took);
        log?.Add(answered);
        if (production.Traffic?.Shadow is { } shadow)
        {
            shadows?.Offer(shadow, asked);
        }
        return new PredictionResult.Predicted(served.Model, served.Version, variant, served.Scorer.Task, predictions, explanations, ranges)
        {
            Id = asked.Id,
            Classes = served.Scorer.Classes,
            Contract = served.Scorer.Contract,
        };
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: version {Version}, which has a share of the requests, could not answer; production has "
        + "(told once a minute)")]
    private partial void LogChallengerFailed(string model, int version, Exception fault);
}

/// <summary>What is asked for besides predictions.</summary>
/// <param name="Explain">Whether to tell how every prediction comes about, and how much of it.</param>
/// <param name="Interval">Between what each value lies with this probability, or which classes the row may be of; null: not asked for.</param>
public sealed record Wanted(ExplainKind Explain = ExplainKind.None, double? Interval = null)
{
    public static Wanted Nothing { get; } = new();
}
