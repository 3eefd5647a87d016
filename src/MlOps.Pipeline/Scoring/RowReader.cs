using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Prepares one row at a time as a model's predictor sees it. Not for use from several threads at once.</summary>
internal sealed class RowReader : IDisposable
{
    private readonly FeatureInputRow input;
    private readonly DataViewRow prepared;
    private readonly ValueGetter<VBuffer<float>> features;
    private VBuffer<float> vector;

    public RowReader(IReadOnlyList<ITransformer> preparation, Featurizer featurizer)
    {
        input = new FeatureInputRow(featurizer);
        prepared = input;
        foreach (var step in preparation)
        {
            var mapper = step.GetRowToRowMapper(prepared.Schema);
            prepared = mapper.GetRow(prepared, [mapper.OutputSchema[FeatureView.Features]]);
        }
        features = prepared.GetGetter<VBuffer<float>>(prepared.Schema[FeatureView.Features]);
    }

    public void Read(IFeatureSource row, Span<float> slots)
    {
        input.Load(row);
        features(ref vector);
        vector.CopyTo(slots);
    }

    public void Dispose()
    {
        prepared.Dispose();
        input.Dispose();
    }
}
