namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>How a CSV text is written, and its first records.</summary>
/// <param name="Delimiter">Between cells.</param>
/// <param name="Quote">Around cells that hold a delimiter, a quote (doubled) or a line break.</param>
/// <param name="HasHeader">True when the first record names the columns.</param>
/// <param name="Header">The first record as it stands.</param>
/// <param name="Sample">Records after the header; each has at least as many cells as the header has, or is ragged.</param>
/// <param name="BytesPerRow">Average size of a sampled record.</param>
internal sealed record CsvFormat(char Delimiter, char Quote, bool HasHeader, IReadOnlyList<string> Header, IReadOnlyList<string[]> Sample, double BytesPerRow)
{
    /// <summary>Texts that mean "no value": those of pandas' read_csv.</summary>
    public static IReadOnlyList<string> NullTexts { get; } =
    [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
        "NaN", "None", "n/a", "nan", "null",
    ];

    private static readonly HashSet<string> Nulls = [.. NullTexts];

    public static bool IsNull(string cell) => Nulls.Contains(cell);
}
