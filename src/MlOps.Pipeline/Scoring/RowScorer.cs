using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Scores one row at a time through ML.NET's row mapper, without allocating a view for each. Not for use from several threads at once.</summary>
internal sealed class RowScorer
{
    private readonly Action<FeatureRow> load;
    private readonly ValueGetter<float> score;

    public RowScorer(ITransformer transformer, Featurizer featurizer)
    {
        var input = new FeatureInputRow(featurizer);
        load = input.Load;
        var mapper = transformer.GetRowToRowMapper(input.Schema);
        var column = mapper.OutputSchema[featurizer.Target.Task == TaskKind.Regression ? "Score" : "Probability"];
        score = mapper.GetRow(input, [column]).GetGetter<float>(column);
    }

    public float Score(FeatureRow row)
    {
        load(row);
        var value = 0f;
        score(ref value);
        return value;
    }
}
