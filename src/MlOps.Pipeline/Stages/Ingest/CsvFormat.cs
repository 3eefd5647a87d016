namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>How a CSV text is written and what its columns are called.</summary>
/// <param name="Dialect">How it is written.</param>
/// <param name="HasHeader">True when the first record names the columns.</param>
/// <param name="Header">The first record as it stands.</param>
internal sealed record CsvFormat(CsvDialect Dialect, bool HasHeader, IReadOnlyList<string> Header);
