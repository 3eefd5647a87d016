using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Scores one row at a time through ML.NET's row mapper, without allocating a view for each. Not for use from several threads at once.</summary>
internal sealed class RowScorer
{
    private readonly Action<FeatureRow> load;
    private readonly ValueGetter<float>? score;
    private readonly ValueGetter<VBuffer<float>>? scores;
    private VBuffer<float> values;

    /// <summary>Rows that others have scored beside it (see <see cref="RowTrees"/>).</summary>
    public uint RowsWithout { get; set; }

    public RowScorer(ITransformer transformer, Featurizer featurizer)
    {
        var input = new FeatureInputRow(featurizer);
        load = input.Load;
        var mapper = transformer.GetRowToRowMapper(input.Schema);
        var column = mapper.OutputSchema[featurizer.Target.Task == TaskKind.Binary ? "Probability" : "Score"];
        var output = mapper.GetRow(input, [column]);
        if (featurizer.Target.Classes is null)
        {
            score = output.GetGetter<float>(column);
        }
        else
        {
            scores = output.GetGetter<VBuffer<float>>(column);
        }
    }

    /// <summary>The predicted value, or the probability of the positive class.</summary>
    public float Score(FeatureRow row)
    {
        load(row);
        var value = 0f;
        score!(ref value);
        return value;
    }

    /// <summary>The probability of each class.</summary>
    public double[] ScoreClasses(FeatureRow row)
    {
        load(row);
        scores!(ref values);
        return [.. values.DenseValues()];
    }
}
