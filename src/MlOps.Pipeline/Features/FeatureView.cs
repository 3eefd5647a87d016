using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Rows of a <see cref="FeatureTable"/> for ML.NET: a vector column "Features", a column "Label", and a column "Weight" where rows count
/// differently.</summary>
internal sealed class FeatureView : IDataView
{
    public const string Features = "Features";
    public const string Label = "Label";
    public const string Weight = "Weight";

    private readonly FeatureTable table;
    private readonly TargetScale? scale;
    private readonly FeatureVector vector;
    private readonly int[]? rows;

    /// <param name="table">The rows.</param>
    /// <param name="rows">Only these rows; null: all.</param>
    /// <param name="scale">The unit of the labels; null: the target's own.</param>
    public FeatureView(FeatureTable table, int[]? rows = null, TargetScale? scale = null)
    {
        this.table = table;
        this.scale = scale;
        this.rows = rows;
        vector = new FeatureVector(table.Featurizer);
        Schema = SchemaOf(table.Featurizer);
    }

    /// <summary>Multiclass: the label is whether a row is of the class at this place; null: the class itself.</summary>
    public int? Class
    {
        get;
        init
        {
            field = value;
            Schema = SchemaOf(table.Featurizer, oneClass: value is not null);
        }
    }

    public DataViewSchema Schema { get; private init; }

    public bool CanShuffle => true;

    private int Count => rows?.Length ?? table.Rows;

    /// <summary>The columns that a model of this featurizer takes.</summary>
    /// <param name="featurizer">The featurizer.</param>
    /// <param name="oneClass">Whether one class is told from all others.</param>
    public static DataViewSchema SchemaOf(Featurizer featurizer, bool oneClass = false)
    {
        var slots = featurizer.Slots;
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, slots.Count), (ref VBuffer<ReadOnlyMemory<char>> names) =>
        {
            var editor = VBufferEditor.Create(ref names, slots.Count);
            for (var i = 0; i < slots.Count; i++)
            {
                editor.Values[i] = slots[i].AsMemory();
            }
            names = editor.Commit();
        });
        var builder = new DataViewSchema.Builder();
        builder.AddColumn(Features, new VectorDataViewType(NumberDataViewType.Single, slots.Count), annotations.ToAnnotations());
        builder.AddColumn(Label, oneClass ? BooleanDataViewType.Instance : LabelType(featurizer.Target));
        if (featurizer.Weights is not null)
        {
            builder.AddColumn(Weight, NumberDataViewType.Single);
        }
        return builder.ToSchema();
    }

    private static DataViewType LabelType(TargetColumn target) => target.Task switch
    {
        TaskKind.Binary => BooleanDataViewType.Instance,
        TaskKind.Multiclass => new KeyDataViewType(typeof(uint), target.Outputs),
        _ => NumberDataViewType.Single,
    };

    public long? GetRowCount() => Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(this, 0, Count, batch: 0, rand);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        if (n <= 1 || rand is not null || Count < 1000)
        {
            return [GetRowCursor(columnsNeeded, rand)];
        }
        var share = (Count + n - 1) / n;
        return [.. Enumerable.Range(0, n).Select(i => new Cursor(this, Math.Min(Count, i * share), Math.Min(Count, (i + 1) * share), i, rand: null))];
    }

    private sealed class Cursor : DataViewRowCursor
    {
        private readonly FeatureView view;
        private readonly int[]? order;
        private readonly int end;
        private int next;
        private int row = -1;

        public Cursor(FeatureView view, int start, int end, long batch, Random? rand)
        {
            this.view = view;
            this.end = end;
            next = start;
            Batch = batch;
            if (rand is not null)
            {
                order = [.. Enumerable.Range(0, end)];
                rand.Shuffle(order);
            }
        }

        public override long Position => row < 0 ? -1 : next - 1;

        public override long Batch { get; }

        public override DataViewSchema Schema => view.Schema;

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override bool MoveNext()
        {
            if (next >= end)
            {
                row = -1;
                return false;
            }
            var place = order is null ? next : order[next];
            row = view.rows is null ? place : view.rows[place];
            next++;
            return true;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)row, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            Delegate getter = column.Name switch
            {
                Features => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => view.vector.Write(new TableRow(view.table, row), ref value)),
                Weight => (ValueGetter<float>)((ref float value) => value = view.table.Weights?[row] ?? 1),
                Label when view.Class is { } place => (ValueGetter<bool>)((ref bool value) => value = view.table.Labels[row] == place),
                Label when column.Type is BooleanDataViewType => (ValueGetter<bool>)((ref bool value) => value = view.table.Labels[row] > 0.5),
                // Of a key 0 is a missing value.
                Label when column.Type is KeyDataViewType =>
                    (ValueGetter<uint>)((ref uint value) => value = double.IsNaN(view.table.Labels[row]) ? 0 : (uint)view.table.Labels[row] + 1),
                _ => (ValueGetter<float>)((ref float value) => value = (float)(view.scale?.ToModel(view.table.Labels[row]) ?? view.table.Labels[row])),
            };
            return (ValueGetter<TValue>)getter;
        }
    }
}

/// <summary>A row of a table.</summary>
internal readonly struct TableRow(FeatureTable table, int row) : IFeatureSource
{
    public float Number(int index) => table.Numbers[index][row];

    public int Code(int index) => table.Codes[index][row];
}
