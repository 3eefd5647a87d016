using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Charts;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Explain;

public sealed record ExplainInput(string RunId, TrainedCandidate Winner, DatasetRef Train, DatasetRef Validation);

/// <param name="Kind">How the model was explained.</param>
/// <param name="Report">The stage's account.</param>
public sealed record ExplainOutput(ExplainerKind Kind, StageReport Report) : IStageOutput;

/// <summary>
/// Explains the winner on a sample of validation rows: a page, pictures and the values, and <c>explainer.json</c> beside the model, with
/// which serving explains single predictions. They stand beside the model: the same model again is found, not explained.
/// </summary>
public sealed partial class ExplainStage(
    DatasetStore datasets, ArtifactStore artifacts, FeatureTableCache tables, ReportRenderer reports, PipelineStorage storage, PipelineOptions options, ILogger<ExplainStage> logger)
    : IStage<ExplainInput, ExplainOutput>
{
    public const string Page = "explain.html";
    public const string SummaryPicture = "shap_summary.png";
    public const string ImportancePicture = "shap_importance.png";
    public const string ValuesFile = "shap_values.csv";

    private const int MostRows = 10_000;

    /// <summary>Fewer rows of wide tables: files stay below some tens of MB.</summary>
    private const int MostValues = 2_000_000;

    /// <summary>Another look of the pages, another folder: pages of earlier releases are not taken for new ones.</summary>
    private const string Folder = "explain-1";

    public static string Name => "explain";

    public async Task<ExplainOutput> RunAsync(ExplainInput input, CancellationToken cancel)
    {
        var done = $"{input.Winner.ModelBlobs}/{Folder}/done.json";
        var reused = (await storage.Artifacts.GetBlobClient(done).ExistsAsync(cancel)).Value;
        var note = reused ? Json.Read<Note>((await artifacts.ReadAsync(done, cancel)).ToString()) : await ExplainAsync(input, cancel);
        await ListAsync(input, note, cancel);
        if (!reused)
        {
            await storage.Artifacts.GetBlobClient(done).UploadAsync(BinaryData.FromString(Json.Write(note)), overwrite: true, cancel);
        }
        return new ExplainOutput(note.Kind, new StageReport(note.Rows, reused, note.Fallback is { } why ? [$"SHAP values could not be computed, so the page shows permutation importance: {why}"] : null));
    }

    private async Task<Note> ExplainAsync(ExplainInput input, CancellationToken cancel)
    {
        var stored = await StoredModel.LoadAsync(artifacts, input.Winner.ModelBlobs, cancel);
        var train = await TableAsync(input.Train, stored.Featurizer, cancel);
        var validation = await TableAsync(input.Validation, stored.Featurizer, cancel);
        var (state, data) = await Task.Run(() => Explain(stored, input.Winner.Key, train, validation, cancel), cancel);
        GC.KeepAlive(train);

        var files = new Dictionary<string, BinaryData>
        {
            [Page] = await reports.RenderAsync<ExplainReport>(new Dictionary<string, object?> { [nameof(ExplainReport.Data)] = data }),
            [ImportancePicture] = ExplanationCharts.Importance(data).ToPng(),
        };
        if (data.HasShap)
        {
            files[SummaryPicture] = ExplanationCharts.Beeswarm(data, mostPoints: 1000).ToPng();
            files[ValuesFile] = ShapCsv.Write(data);
        }
        await Task.WhenAll(files.Select(file => UploadAsync($"{input.Winner.ModelBlobs}/{Folder}/{file.Key}", file.Value, cancel)));
        await UploadAsync($"{input.Winner.ModelBlobs}/{ExplainerState.File}", BinaryData.FromString(Json.Write(state)), cancel);
        return new Note(state.Kind, data.Features[0].Values.Length, data.Fallback, files.ToDictionary(file => file.Key, file => (long)file.Value.ToMemory().Length));
    }

    private async Task<FeatureTable> TableAsync(DatasetRef dataset, Featurizer featurizer, CancellationToken cancel) =>
        await tables.GetAsync(await datasets.OpenAsync(await datasets.GetAsync(dataset.Id, cancel), cancel), featurizer, cancel);

    private (ExplainerState State, ExplanationData Data) Explain(StoredModel model, string key, FeatureTable train, FeatureTable validation, CancellationToken cancel)
    {
        var features = model.Signature.Features.Count;
        var rows = Chart.Sample(validation.Rows, Math.Clamp(MostValues / Math.Max(features, 1), 100, MostRows));
        try
        {
            var state = ModelExplainer.Fit(model.Transformer, train, options.Threads, cancel);
            var explainer = ModelExplainer.Of(model.Transformer, model.Featurizer, state);
            var contributions = explainer.Explain(validation, rows, options.Threads, cancel);
            return (state, ExplanationData.OfShap(explainer, state.Kind, key, validation, rows, contributions));
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            LogFallback(key, fault);
            var importances = PermutationImportance.Measure(model.Transformer, validation, rows, options.Threads, cancel);
            return (new ExplainerState(ExplainerKind.Permutation), ExplanationData.OfPermutation(importances, fault.Message, key, validation, rows));
        }
    }

    private Task UploadAsync(string blob, BinaryData content, CancellationToken cancel) => storage.Artifacts.GetBlobClient(blob).UploadAsync(content, overwrite: true, cancel);

    private Task ListAsync(ExplainInput input, Note note, CancellationToken cancel) => artifacts.ListAsync(
        input.RunId, note.Files.Select(file => new Artifact(file.Key, $"{input.Winner.ModelBlobs}/{Folder}/{file.Key}", file.Value)), cancel);

    /// <summary>Written last: an explanation is there whole or not at all.</summary>
    private sealed record Note(ExplainerKind Kind, int Rows, string? Fallback, IReadOnlyDictionary<string, long> Files);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No SHAP values of {Candidate}; permutation importance is used instead")]
    private partial void LogFallback(string candidate, Exception fault);
}
