namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>How a CSV text is written.</summary>
/// <param name="Delimiter">Between cells.</param>
/// <param name="Quote">Around cells that hold a delimiter, a quote (doubled) or a line break.</param>
/// <param name="Aligned">True: cells are aligned by runs of blanks, which count as one delimiter.</param>
/// <param name="Preamble">Lines before the first record, such as Excel's <c>sep=;</c>.</param>
/// <param name="LineEnd">What ends a line: a line feed, or a carriage return alone.</param>
internal sealed record CsvDialect(byte Delimiter, byte Quote = (byte)'"', bool Aligned = false, int Preamble = 0, byte LineEnd = (byte)'\n');
