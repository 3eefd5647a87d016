using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>What cleaning tells of the rows that it left out, and of those that it might have.</summary>
internal static class CleanWarnings
{
    /// <summary>Reasons of few rows that are told one by one.</summary>
    private const int MostRare = 20;

    /// <param name="raw">The table that was cleaned.</param>
    /// <param name="clean">What is left of it.</param>
    /// <param name="dropped">Dropped rows by reason.</param>
    /// <param name="examples">The first of them.</param>
    public static IEnumerable<Warning> Of(
        DatasetManifest raw, DatasetManifest clean, IReadOnlyDictionary<string, long> dropped, IReadOnlyList<DroppedRows> examples)
    {
        var all = clean.Rows + dropped.Values.Sum();
        var firsts = examples.ToDictionary(example => example.Reason, StringComparer.Ordinal);
        return [.. Kept(clean), .. Loss(clean), .. dropped.Where(IsMany).Select(reason => LeftOut(reason) with { Headline = true }), .. Rare()];

        bool IsMany(KeyValuePair<string, long> reason) => reason.Value > all * Warning.Many;

        Warning LeftOut(KeyValuePair<string, long> reason)
        {
            var (column, line, example) = First(raw, reason.Key, firsts.GetValueOrDefault(reason.Key));
            return new Warning($"{Count(reason.Value)} of {Count(all)} rows were left out: {reason.Key}{Shown(line, example)}.")
            {
                Column = column,
                Count = reason.Value,
                Line = line,
                Example = example,
            };
        }

        // Reasons of which each is rare may be many rows together.
        IEnumerable<Warning> Rare()
        {
            var rare = dropped.Where(reason => !IsMany(reason)).OrderByDescending(reason => reason.Value).ToList();
            if (rare.Sum(reason => reason.Value) is var together && together > all * Warning.Many)
            {
                var (_, line, example) = First(raw, rare[0].Key, firsts.GetValueOrDefault(rare[0].Key));
                yield return new Warning($"{Count(together)} of {Count(all)} rows were left out for {Count(rare.Count)} reasons, each of few rows; "
                    + $"the most frequent ({Count(rare[0].Value)}): {rare[0].Key}{Shown(line, example)}.")
                {
                    Count = together,
                    Line = line,
                    Example = example,
                    Headline = true,
                };
            }
            // Stage ingest has told of the others already, as headlines.
            foreach (var reason in rare.Where(reason => reason.Key != DroppedRows.Ragged && !RowRules.IsUnparseable(reason.Key)).Take(MostRare))
            {
                yield return LeftOut(reason);
            }
        }
    }

    private static IEnumerable<Warning> Kept(DatasetManifest clean)
    {
        if (clean.Notes[DatasetNotes.Kept]?.GetValue<long>() is > 0 and var equal)
        {
            var line = clean.Notes[DatasetNotes.KeptLine]?.GetValue<long>();
            yield return new Warning($"{Count(equal)} of {Count(clean.Rows)} rows equal an earlier one and were kept{Shown(line, example: null)}, as rows have "
                + "no id to tell them apart by. Set cleaning.duplicates to \"drop\" if they are the same thing twice.")
            {
                Count = equal,
                Line = line,
            };
        }
    }

    private static IEnumerable<Warning> Loss(DatasetManifest clean)
    {
        if (clean.Notes[DatasetNotes.Loss] is { } note && Json.Read<TargetLoss>(note.ToJsonString()) is { DependsOnTarget: true } loss)
        {
            yield return new Warning(string.Create(
                CultureInfo.InvariantCulture,
                $"The rows that were left out have another target than those that stayed: its mean (of a text or boolean, the share of one value) is "
                    + $"{loss.LeftOut.Mean:G4} in {loss.LeftOut.Count:N0} of them, {loss.Kept.Mean:G4} in the others. The model does not see a part of "
                    + $"the world: fill nulls instead, or correct the cells."))
            {
                Count = loss.LeftOut.Count,
                Headline = true,
            };
        }
    }

    /// <summary>The column that a reason names, and of the first row that was left out for it the line and the cell, where they are known.</summary>
    private static (string? Column, long? Line, string? Example) First(DatasetManifest raw, string reason, DroppedRows? first)
    {
        if (first?.Columns.Count == 0)
        {
            return (null, first.Line, Warning.Shorten(string.Join(',', first.Rows[0])));
        }
        var column = reason.Split(": ", 2) is [_, var named] && raw.Columns.Any(one => one.Name == named) ? named : null;
        if (RowRules.IsUnparseable(reason) && column is not null)
        {
            // The raw version has no value there; the text was told when the file was read.
            var told = Json.Read<IReadOnlyList<Warning>>(raw.Notes[DatasetNotes.Warnings]?.ToJsonString() ?? "[]")
                .FirstOrDefault(warning => UnreadableCells.IsOf(warning, column));
            return (column, told?.Line ?? first?.Line, told?.Example);
        }
        var place = column is null || first is null ? -1 : first.Columns.ToList().IndexOf(column);
        return (column, first?.Line, place >= 0 && first!.Rows is [var row, ..] && row[place] is { } cell ? Warning.Shorten(cell) : null);
    }

    private static string Shown(long? line, string? example) => (line, example) switch
    {
        (null, null) => "",
        ({ } at, null) => $" (the first is line {at})",
        (null, { } cell) => $" (such as '{cell}')",
        ({ } at, { } cell) => $" (the first is line {at}: '{cell}')",
    };

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
