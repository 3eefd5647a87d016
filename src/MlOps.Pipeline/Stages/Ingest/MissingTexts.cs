using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Texts that may mean "no value", told to the user, whichever way they were taken.</summary>
internal static class MissingTexts
{
    /// <summary>Cells with a text that was taken for a missing value.</summary>
    /// <param name="column">Their column.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="rows">Rows of the table.</param>
    /// <param name="example">The first of them; where there are no lines, any.</param>
    public static Warning Told(string column, long count, long rows, SurveyedCell example) => new(
        WarningCodes.MissingTexts,
        $"Column '{column}': {Warning.Share(count, rows, "cells", "has", "have")} a text that was taken for a missing value "
            + $"({(example.Line > 0 ? "the first is" : "such as")} {example}). Declare \"nulls\" to change that.")
    {
        Column = column,
        Count = count,
        Line = example.Line > 0 ? example.Line : null,
        Example = example.Text,
        Headline = count > rows * Warning.Many,
    };

    /// <summary>Texts that are a missing value among numbers, and were taken for words among words.</summary>
    /// <param name="column">Their column.</param>
    /// <param name="words">Each text, how many cells have it, and the line of the first; 0: there are no lines.</param>
    public static Warning Words(string column, IReadOnlyList<(string Text, long Cells, long Line)> words)
    {
        var told = string.Join(
            ", ", words.Select(word => $"'{word.Text}' ({Warning.Counted(word.Cells, "cell")}{(word.Line > 0 ? $", from line {word.Line}" : "")})"));
        var first = words.MinBy(word => word.Line);
        return new Warning(
            WarningCodes.MissingWords,
            $"Column '{column}': {told} {(words.Count == 1 ? "is" : "are")} taken for a value, as the column holds words. "
                + $"Declare \"nulls\": [\"{words[0].Text}\"] if it means a missing one.")
        {
            Column = column,
            Count = words.Sum(word => word.Cells),
            Line = first.Line > 0 ? first.Line : null,
            Example = first.Text,
        };
    }
}
