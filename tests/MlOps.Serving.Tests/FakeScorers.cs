using System.Collections.Concurrent;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;

namespace MlOps.Serving.Tests;

/// <summary>Models whose every prediction is their version number. Loading can be made slow or made to fail.</summary>
internal sealed class FakeScorers : IScorerLoader
{
    private readonly ConcurrentQueue<(string Model, int Version)> loads = new();

    /// <summary>Every load, in order.</summary>
    public IReadOnlyCollection<(string Model, int Version)> Loads => loads;

    /// <summary>Awaited by every load before it ends.</summary>
    public Func<ModelVersion, Task> BeforeLoaded { get; set; } = _ => Task.CompletedTask;

    /// <summary>What a version predicts; a row that has <c>"wrong"</c> is refused with two problems.</summary>
    public Func<ModelVersion, double> Score { get; set; } = version => version.Version;

    /// <summary>Versions that fail at every row.</summary>
    public Func<int, bool> Fails { get; set; } = _ => false;

    public async Task<IScorer> LoadAsync(ModelVersion version, CancellationToken cancel)
    {
        loads.Enqueue((version.Model, version.Version));
        await BeforeLoaded(version);
        return new Scorer(version.Task, Score(version), () => Fails(version.Version));
    }

    private sealed class Scorer(TaskKind task, double score, Func<bool> fails) : IScorer
    {
        public TaskKind Task => task;

        public IReadOnlyList<string>? Classes => null;

        public ModelContract Contract { get; } = new(
            new Signature(
                [new SignatureColumn("a", ColumnKind.Numeric), new SignatureColumn("b", ColumnKind.Numeric, Optional: true)], [],
                new SignatureColumn("y", task == TaskKind.Binary ? ColumnKind.Categorical : ColumnKind.Numeric)),
            task == TaskKind.Binary ? ["no", "yes"] : []);

        public long StoredBytes => 1000;

        public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows) => fails()
            ? throw new InvalidOperationException("This version cannot predict.")
            : rows.Any(row => row.TryGetProperty("wrong", out _)) ? throw new InputException(["feature 'a' is missing.", "feature 'b' must be a number."])
            : [.. rows.Select(_ => new Prediction(score, task == TaskKind.Binary ? "yes" : null))];

        public Task<PredictionRanges> RangesAsync(
            IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, double level, CancellationToken cancel) =>
            System.Threading.Tasks.Task.FromResult(task == TaskKind.Binary
                ? new PredictionRanges(null, [.. rows.Select(_ => new[] { "yes", "no" })])
                : new PredictionRanges([.. rows.Select(_ => new PredictionInterval(score - level, score + level))], null));

        public Task<PredictionExplanations> ExplainAsync(IReadOnlyList<JsonElement> rows, bool everyClass, CancellationToken cancel) =>
            System.Threading.Tasks.Task.FromResult(
                new PredictionExplanations(["a", "b"], [.. rows.Select(_ => score - 3)], [.. rows.Select(_ => new double[] { 1, 2 })]));
    }
}
