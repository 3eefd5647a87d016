namespace MlOps.Pipeline.Data;

/// <summary>Names a dataset version.</summary>
/// <param name="Id">32 hex digits: a hash of content, parents, stage and parameters.</param>
/// <param name="Rows">Its row count.</param>
public sealed record DatasetRef(string Id, long Rows);
