using Microsoft.ML.Data;

namespace MlOps.Pipeline.Features;

/// <summary>Writes numbers and category codes as a feature vector: dense when mostly filled, sparse when one-hot slots prevail.</summary>
internal sealed class FeatureVector
{
    private readonly Slot[] slots;
    private readonly int filled;
    private readonly bool dense;

    public FeatureVector(Featurizer featurizer)
    {
        var sources = featurizer.Sources;
        // A category's slot is found from the first of its column.
        slots =
        [
            .. sources.Select((source, offset) => (source, offset)).Where(slot => slot.source.Category is null or 0)
                .Select(slot => new Slot(slot.offset, slot.source.Column, slot.source.Category is not null))
        ];
        Size = sources.Count;
        filled = slots.Length;
        dense = Size <= 64 || filled * 3 >= Size;
    }

    /// <summary>Slots of the vector.</summary>
    public int Size { get; }

    /// <param name="source">The row.</param>
    /// <param name="vector">Where to write; its buffers are reused.</param>
    public void Write<TSource>(TSource source, ref VBuffer<float> vector)
        where TSource : struct, IFeatureSource, allows ref struct
    {
        if (dense)
        {
            WriteDense(source, ref vector);
        }
        else
        {
            WriteSparse(source, ref vector);
        }
    }

    private void WriteDense<TSource>(TSource source, ref VBuffer<float> vector)
        where TSource : struct, IFeatureSource, allows ref struct
    {
        var editor = VBufferEditor.Create(ref vector, Size);
        editor.Values.Clear();
        foreach (var slot in slots)
        {
            if (!slot.IsCategory)
            {
                editor.Values[slot.Offset] = source.Number(slot.Index);
            }
            else if (source.Code(slot.Index) is var code and >= 0)
            {
                editor.Values[slot.Offset + code] = 1;
            }
        }
        vector = editor.Commit();
    }

    private void WriteSparse<TSource>(TSource source, ref VBuffer<float> vector)
        where TSource : struct, IFeatureSource, allows ref struct
    {
        var editor = VBufferEditor.Create(ref vector, Size, filled);
        var count = 0;
        foreach (var slot in slots)
        {
            var code = slot.IsCategory ? source.Code(slot.Index) : 0;
            var value = slot.IsCategory ? 1 : source.Number(slot.Index);
            if (code >= 0 && value != 0)
            {
                editor.Indices[count] = slot.Offset + code;
                editor.Values[count++] = value;
            }
        }
        vector = editor.CommitTruncated(count);
    }

    private readonly record struct Slot(int Offset, int Index, bool IsCategory);
}

/// <summary>One row's numbers and category codes.</summary>
internal interface IFeatureSource
{
    /// <summary>Value of the n-th number; NaN is missing.</summary>
    float Number(int index);

    /// <summary>Category index of the n-th categorical column; negative for none.</summary>
    int Code(int index);
}
