using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Charts;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Explain;

public sealed record ExplainInput(TrainedCandidate Winner, DatasetRef Train, DatasetRef Validation);

/// <param name="Kind">How the model was explained.</param>
/// <param name="Report">The stage's account.</param>
public sealed record ExplainOutput(ExplainerKind Kind, StageReport Report) : IStageOutput;

/// <summary>
/// Explains the winner on a sample of validation rows: a page, pictures and the values, and <c>explainer.json</c> beside the model, with
/// which serving explains single predictions. They stand beside the model: the same model again is found, not explained.
/// </summary>
public sealed partial class ExplainStage(
    ArtifactStore artifacts, TrainedModels models, ModelRegistry registry, FeatureTableCache tables, ReportRenderer reports, PipelineStorage storage,
    PipelineOptions options, ILogger<ExplainStage> logger)
    : IStage<ExplainInput, ExplainOutput>
{
    private const int MostRows = 10_000;

    /// <summary>Fewer rows of wide tables: files stay below some tens of MB.</summary>
    private const int MostValues = 2_000_000;

    /// <summary>Another look of the pages, another name: pages of earlier releases are not taken for new ones.</summary>
    private const string Manifest = "explain-1.json";

    private readonly ContentStore explanations = new(storage.Artifacts);

    public static string Name => "explain";

    public async Task<ExplainOutput> RunAsync(StageContext context, ExplainInput input, CancellationToken cancel)
    {
        var found = await explanations.FindAsync<Explanation>($"{input.Winner.ModelBlobs}/{Manifest}", cancel);
        // One of a release that kept no importance is made again: its pages stay as they are.
        if (found is { Kind: not ExplainerKind.Permutation }
            && await artifacts.FindAsync($"{input.Winner.ModelBlobs}/{FeatureImportance.File}", cancel) is null)
        {
            found = null;
        }
        var explanation = found ?? await ExplainAsync(input, cancel);
        await artifacts.ListAsync(
            context.RunId, explanation.Files.Select(file => new Artifact(file.Key, $"{explanation.Folder}/{file.Key}", file.Value)), cancel);
        await RegisterAsync(context, input.Winner.ModelBlobs, cancel);
        context.Log($"{input.Winner.Key} explained by {explanation.Kind} on {explanation.Rows:N0} rows");
        if (explanation.Fallback is { } why)
        {
            context.Warn(WarningCodes.NoShap, $"SHAP values could not be computed, so the page shows permutation importance: {why}");
        }
        return new ExplainOutput(explanation.Kind, new StageReport(explanation.Rows, Reused: found is not null));
    }

    /// <summary>
    /// The file that serving explains by, and the one that is compared with later, come after the version was registered: their hashes are noted then. Of two
    /// writers the first one's file stays, and it is that one which is hashed.
    /// </summary>
    private async Task RegisterAsync(StageContext context, string blobs, CancellationToken cancel)
    {
        if (await registry.FindVersionOfAsync(context.Model, context.RunId, cancel) is not { } version)
        {
            return;
        }
        foreach (var file in new[] { ExplainerState.File, FeatureImportance.File })
        {
            if (await artifacts.FindAsync($"{blobs}/{file}", cancel) is { } stored)
            {
                await registry.AddFileAsync(context.Model, version, file, ModelFiles.HashOf(stored), cancel);
            }
        }
    }

    private async Task<Explanation> ExplainAsync(ExplainInput input, CancellationToken cancel)
    {
        var stored = await StoredModel.LoadAsync(artifacts, await models.FilesAsync(input.Winner.ModelBlobs, cancel), cancel);
        var train = await tables.GetAsync(input.Train, stored.Featurizer, cancel);
        var validation = await tables.GetAsync(input.Validation, stored.Featurizer, cancel);
        var (state, data) = await Task.Run(() => Explain(stored, input.Winner.Key, train, validation, cancel), cancel);
        GC.KeepAlive(train);

        var files = new Dictionary<string, BinaryData>
        {
            [ExplanationFiles.Page] = await reports.RenderAsync<ExplainReport>(new Dictionary<string, object?> { [nameof(ExplainReport.Data)] = data }),
            [ExplanationFiles.ImportancePicture] = ExplanationCharts.Importance(data).ToPng(),
        };
        if (data.HasShap)
        {
            files[ExplanationFiles.SummaryPicture] = ExplanationCharts.Beeswarm(data, mostPoints: 1000).ToPng();
            files[ExplanationFiles.Values] = ShapCsv.Write(data);
        }
        await storage.Artifacts.TryAddAsync($"{input.Winner.ModelBlobs}/{ExplainerState.File}", BinaryData.FromString(Json.Write(state)), cancel);
        if (data.HasShap)
        {
            var importance = new FeatureImportance(data.Features.ToDictionary(feature => feature.Name, feature => feature.Importance));
            await storage.Artifacts.TryAddAsync($"{input.Winner.ModelBlobs}/{FeatureImportance.File}", BinaryData.FromString(Json.Write(importance)), cancel);
        }
        var folder = await explanations.StoreAsync($"{input.Winner.ModelBlobs}/explain", files, cancel);
        var explanation = new Explanation(
            state.Kind, data.Features[0].Values.Length, data.Fallback, folder,
            files.ToDictionary(file => file.Key, file => (long)file.Value.ToMemory().Length));
        return await explanations.CommitAsync($"{input.Winner.ModelBlobs}/{Manifest}", explanation, cancel);
    }

    private (ExplainerState State, ExplanationData Data) Explain(
        StoredModel model, string key, FeatureTable train, FeatureTable validation, CancellationToken cancel)
    {
        var features = model.Signature.Features.Count;
        var rows = Chart.Sample(validation.Rows, Math.Clamp(MostValues / Math.Max(features, 1), 100, MostRows));
        try
        {
            var state = ModelExplainer.Fit(model.Transformer, train, options.Threads, cancel);
            var explainer = ModelExplainer.Of(model.Transformer, model.Featurizer, state);
            var shap = RowShap.Of(explainer, validation, rows, PredictedClasses(model, validation, rows), options.Threads, cancel);
            return (state, ExplanationData.OfShap(state.Kind, key, validation, rows, shap));
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            LogFallback(key, fault);
            var importances = PermutationImportance.Measure(model.Transformer, validation, rows, model.Featurizer.Scale, options.Threads, cancel);
            // What this product cannot explain it says itself.
            var why = fault is NotSupportedException ? fault.Message : FaultText.Of(fault);
            return (new ExplainerState(ExplainerKind.Permutation), ExplanationData.OfPermutation(importances, why, key, validation, rows));
        }
    }

    private int[]? PredictedClasses(StoredModel model, FeatureTable table, int[] rows)
    {
        if (model.Featurizer.Target.Classes is null)
        {
            return null;
        }
        var scored = Evaluation.Score(model.Transformer, table.Take(rows), options.Threads);
        return [.. Enumerable.Range(0, rows.Length).Select(scored.Predicted)];
    }

    /// <summary>What was found out, and where the files are, with their sizes.</summary>
    private sealed record Explanation(ExplainerKind Kind, int Rows, string? Fallback, string Folder, IReadOnlyDictionary<string, long> Files) : IStored
    {
        public static int CurrentFormat => 1;

        public static string StoredAs => "explanation";

        public int Format { get; init; } = CurrentFormat;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No SHAP values of {Candidate}; permutation importance is used instead")]
    private partial void LogFallback(string candidate, Exception fault);
}
