using System.Buffers.Binary;

namespace MlOps.Pipeline.Training;

/// <summary>
/// The predictions of the training rows by models that did not learn from them, as they stand beside a trained model: eight bytes each, in the rows' order.
/// Whoever wants to know how sure the model is needs no second training.
/// </summary>
internal static class OutOfFold
{
    public const string File = "out_of_fold.bin";

    public static BinaryData Write(double[] predictions)
    {
        var bytes = new byte[predictions.Length * sizeof(double)];
        for (var i = 0; i < predictions.Length; i++)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(i * sizeof(double)), predictions[i]);
        }
        return BinaryData.FromBytes(bytes);
    }

    public static double[] Read(BinaryData stored)
    {
        var bytes = stored.ToMemory().Span;
        var predictions = new double[bytes.Length / sizeof(double)];
        for (var i = 0; i < predictions.Length; i++)
        {
            predictions[i] = BinaryPrimitives.ReadDoubleLittleEndian(bytes[(i * sizeof(double))..]);
        }
        return predictions;
    }
}
