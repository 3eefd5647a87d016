using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;

namespace MlOps.Serving.Models;

/// <summary>What a loaded version takes and gives: from this, protocols with names, types and orders of their own are served.</summary>
/// <param name="Signature">Its columns, in order.</param>
/// <param name="Labels">
/// What may be predicted, as it stands in the data: the negative and the positive value (binary), the classes in order (multiclass); empty for regression.
/// </param>
public sealed record ModelContract(Signature Signature, IReadOnlyList<string> Labels)
{
    /// <summary>True where every input is a number, so that a row can be told by the order of its cells alone.</summary>
    public bool IsAllNumeric => Signature.Inputs.All(input => input.Kind == ColumnKind.Numeric);
}
