using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Features;

/// <summary>A named, typed column of a signature.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Optional">True when a missing value is filled in (imputed or handled by the model).</param>
public sealed record SignatureColumn(string Name, ColumnKind Kind, bool Optional = false);

/// <summary>The contract of a model.</summary>
/// <param name="Inputs">Columns a caller sends.</param>
/// <param name="Features">Columns the model was trained on, in order, the computed ones included.</param>
/// <param name="Target">The predicted column.</param>
public sealed record Signature(IReadOnlyList<SignatureColumn> Inputs, IReadOnlyList<SignatureColumn> Features, SignatureColumn Target);
