using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Features;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.Split;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

/// <summary>Runs single stages on a file and reads their tables back.</summary>
internal sealed class StageBench(AzuriteFixture azurite, Func<PipelineOptions, PipelineOptions>? options = null) : IAsyncDisposable
{
    private readonly List<StageContext> contexts = [];

    private const string RunId = "bench-20260101000000000-abcdef";

    public PipelineHost Host { get; } = new(azurite, services =>
    {
        if (options is not null)
        {
            services.ChangeOptions(options);
        }
    });

    public async Task<IngestOutput> IngestAsync(PipelineDefinition definition, string source) =>
        await Host.Get<IngestStage>().RunAsync(await ContextAsync(definition), new IngestInput(source), default);

    public Task<IngestOutput> IngestTextAsync(PipelineDefinition definition, string csv) =>
        IngestAsync(definition, Host.WriteFile($"{Guid.NewGuid():N}.csv", csv));

    public async Task<CleanOutput> CleanAsync(PipelineDefinition definition, string csv)
    {
        var raw = await IngestTextAsync(definition, csv);
        return await Host.Get<CleanStage>().RunAsync(await ContextAsync(definition), new CleanInput(raw.Raw), default);
    }

    public async Task<FeaturesOutput> FeaturesAsync(PipelineDefinition definition, string csv)
    {
        var clean = await CleanAsync(definition, csv);
        return await Host.Get<FeaturesStage>().RunAsync(await ContextAsync(definition), new FeaturesInput(clean.Clean), default);
    }

    public async Task<SplitOutput> SplitAsync(PipelineDefinition definition, string csv)
    {
        var features = await FeaturesAsync(definition, csv);
        return await Host.Get<SplitStage>().RunAsync(await ContextAsync(definition), new SplitInput(features.Features), default);
    }

    public async Task<DatasetManifest> ManifestAsync(DatasetRef dataset) => await Host.Get<DatasetStore>().GetAsync(dataset.Id, default);

    /// <summary>The named columns of every row, in order.</summary>
    public async Task<IReadOnlyList<object?[]>> RowsAsync(DatasetRef dataset, params string[] columns)
    {
        var table = await Host.Get<DatasetStore>().OpenAsync(await ManifestAsync(dataset), default);
        using var session = Host.Get<DuckDb>().Open(default);
        return session.Rows($"SELECT {string.Join(", ", columns.Select(Sql.Name))} FROM {table.ToSql()}");
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();

    /// <summary>What the stages told the user, in order.</summary>
    public IReadOnlyList<string> Warnings => [.. Told.Select(warning => warning.Text)];

    /// <summary>The same, with column, count, line and example.</summary>
    public IReadOnlyList<Warning> Told => [.. contexts.SelectMany(context => context.Warnings)];

    private async Task<StageContext> ContextAsync(PipelineDefinition definition)
    {
        contexts.Add(Host.Context(RunId, await Host.Get<DefinitionStore>().SnapshotAsync(definition, default)));
        return contexts[^1];
    }
}
