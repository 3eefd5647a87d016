using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>A cell that shows how a column of a raw version is written.</summary>
/// <param name="Column">The column.</param>
/// <param name="Cell">The cell as it stands in the file, shortened.</param>
/// <param name="Line">Its line, from 1; null: the file has no lines.</param>
internal sealed record ColumnExample(string Column, string Cell, long? Line)
{
    /// <summary>Those of a raw version, by column.</summary>
    public static IReadOnlyDictionary<string, ColumnExample> Of(DatasetManifest raw) => ByColumn(Read(raw.Notes[DatasetNotes.Examples]));

    public static IReadOnlyDictionary<string, ColumnExample> ByColumn(IEnumerable<ColumnExample> examples) =>
        examples.ToDictionary(example => example.Column, StringComparer.Ordinal);

    private static IReadOnlyList<ColumnExample> Read(JsonNode? note) => Json.Read<IReadOnlyList<ColumnExample>>(note?.ToJsonString() ?? "[]");

    /// <summary>As part of a sentence: <c> (line 3: '31.01.2026')</c>.</summary>
    public override string ToString() => Line is { } line ? $" (line {line}: '{Cell}')" : $" (such as '{Cell}')";
}
