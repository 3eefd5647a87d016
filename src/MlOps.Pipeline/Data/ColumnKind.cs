namespace MlOps.Pipeline.Data;

/// <summary>What a column means to the pipeline.</summary>
public enum ColumnKind
{
    Numeric,
    Categorical,
    Boolean,
    Datetime,
    /// <summary>Free text: kept in the data, not used by the model.</summary>
    Text,
    /// <summary>Names the row (an order number, a uuid): kept in the data, not used by the model.</summary>
    IdLike,
}
