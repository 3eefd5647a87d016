using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlOps.Pipeline.Features;

/// <summary>One row that changes, as ML.NET's row mappers read it. Not for use from several threads at once.</summary>
internal sealed class FeatureInputRow(Featurizer featurizer) : DataViewRow
{
    private readonly FeatureVector vector = new(featurizer);
    private IFeatureSource source = new FeatureRow([], []);
    private long position;

    public override DataViewSchema Schema { get; } = FeatureView.SchemaOf(featurizer);

    // Mappers may cache by position, so each row has one of its own.
    public override long Position => position;

    public override long Batch => 0;

    public void Load(IFeatureSource next)
    {
        source = next;
        position++;
    }

    public override bool IsColumnActive(DataViewSchema.Column column) => column.Name == FeatureView.Features;

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)position, 0);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<float>> getter = (ref VBuffer<float> value) => vector.Write(new Current(source), ref value);
        return (ValueGetter<TValue>)(Delegate)getter;
    }

    private readonly struct Current(IFeatureSource source) : IFeatureSource
    {
        public float Number(int index) => source.Number(index);

        public int Code(int index) => source.Code(index);
    }
}
