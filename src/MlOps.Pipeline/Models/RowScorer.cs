using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Models;

/// <summary>Scores one row at a time through ML.NET's row mapper, without allocating a view for each. Not for use from several threads at once.</summary>
internal sealed class RowScorer
{
    private readonly Action<FeatureRow> load;
    private readonly ValueGetter<float> score;

    public RowScorer(ITransformer transformer, Featurizer featurizer)
    {
        var input = new InputRow(featurizer);
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

    private sealed class InputRow(Featurizer featurizer) : DataViewRow
    {
        private readonly FeatureVector vector = new(featurizer);
        private FeatureRow row = new([], []);
        private long position;

        public override DataViewSchema Schema { get; } = FeatureView.SchemaOf(featurizer);

        // Mappers may cache by position, so each row has one of its own.
        public override long Position => position;

        public override long Batch => 0;

        public void Load(FeatureRow next)
        {
            row = next;
            position++;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => column.Name == FeatureView.Features;

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)position, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) => vector.Write(new Source(row), ref value);
            return (ValueGetter<TValue>)(Delegate)getter;
        }
    }

    private readonly struct Source(FeatureRow row) : IFeatureSource
    {
        public float Number(int index) => row.Numbers[index];

        public int Code(int index) => row.Codes[index];
    }
}
