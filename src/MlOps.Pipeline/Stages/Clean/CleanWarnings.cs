using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
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
        var first = Firsts(raw, examples);
        return
        [
            .. Alike(clean), .. Kept(clean), .. Loss(clean), .. dropped.Where(IsMany).Select(reason => LeftOut(reason) with { Headline = true }), .. Rare(),
        ];

        bool IsMany(KeyValuePair<string, long> reason) => reason.Value > all * Warning.Many;

        Warning LeftOut(KeyValuePair<string, long> reason)
        {
            var (column, line, example) = first(reason.Key);
            return new Warning(
                WarningCodes.RowsLeftOut, $"{Warning.Share(reason.Value, all, "rows")} left out: {reason.Key}{Shown(line, example)}.")
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
                var (_, line, example) = first(rare[0].Key);
                yield return new Warning(
                    WarningCodes.RowsLeftOutTogether,
                    $"{Warning.Share(together, all, "rows")} left out for {Warning.Counted(rare.Count, "reason")}, each of few rows; "
                        + $"the most frequent ({Count(rare[0].Value)}): {rare[0].Key}{Shown(line, example)}.")
                {
                    Count = together,
                    Line = line,
                    Example = example,
                    Headline = true,
                };
            }
            // Stage ingest has told of the others already, as headlines.
            var told = rare.Where(reason => reason.Key != DroppedRows.Ragged && !RowRules.IsUnparseable(reason.Key)).ToList();
            foreach (var reason in told.Take(MostRare))
            {
                yield return LeftOut(reason);
            }
            if (told.Count > MostRare)
            {
                yield return Rest([.. told.Skip(MostRare)]);
            }
        }

        // Of reasons beyond the most frequent ones only the first row of them all is kept (DroppedRows).
        Warning Rest(List<KeyValuePair<string, long>> rest)
        {
            var (rows, shown) = (rest.Sum(reason => reason.Value), rest.Select(reason => first(reason.Key)).ToList());
            var earliest = shown.Where(row => row.Line is not null).MinBy(row => row.Line) is { Line: not null } known
                ? known
                : shown.FirstOrDefault(row => row.Example is not null);
            return new Warning(
                WarningCodes.RowsLeftOutRest,
                $"{Warning.Share(rows, all, "rows")} left out for {Warning.Counted(rest.Count, "more reason")}, each of at most {Count(rest[0].Value)}"
                    + $"{Shown(earliest.Line, earliest.Example)}. The metrics \"dropped: …\" of the run have them all.")
            {
                Count = rows,
                Line = earliest.Line,
                Example = earliest.Example,
                Headline = rows > all * Warning.Many,
            };
        }
    }

    /// <summary>Of the first row that was left out for a reason, the line and the cell in brackets, as part of a sentence.</summary>
    /// <param name="raw">The table that is cleaned.</param>
    /// <param name="examples">The first rows that were left out.</param>
    public static Func<string, string> FirstOf(DatasetManifest raw, IReadOnlyList<DroppedRows> examples)
    {
        var first = Firsts(raw, examples);
        return reason =>
        {
            var (_, line, example) = first(reason);
            return Shown(line, example);
        };
    }

    /// <summary>The column that a reason names, and of the first row that was left out for it the line and the cell, where they are known.</summary>
    private static Func<string, (string? Column, long? Line, string? Example)> Firsts(DatasetManifest raw, IReadOnlyList<DroppedRows> examples)
    {
        var firsts = examples.ToDictionary(example => example.Reason, StringComparer.Ordinal);
        var noticed = Json.Read<IReadOnlyList<Warning>>(raw.Notes[DatasetNotes.Warnings]?.ToJsonString() ?? "[]");
        return reason => First(raw, noticed, reason, firsts.GetValueOrDefault(reason));
    }

    /// <summary>"Yes" and "yes" are hardly meant to be two things to tell apart.</summary>
    private static IEnumerable<Warning> Alike(DatasetManifest clean)
    {
        const int MostShown = 3;
        var target = TargetColumn.Of(clean);
        IReadOnlyList<string> classes = target.Classes ?? (target.Task == TaskKind.Binary ? [target.Positive!, target.Negative!] : []);
        var alike = classes.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1)
            .Select(group => group.Order(StringComparer.Ordinal).ToList()).ToList();
        if (alike.Count > 0)
        {
            var shown = alike.Take(MostShown).Select(group => string.Join(" and ", group.Select(name => $"'{Warning.Shorten(name)}'")));
            yield return new Warning(
                WarningCodes.ClassesAlike,
                $"The target '{target.Name}' has classes that differ in letter case only: {string.Join(", ", shown)}"
                    + $"{(alike.Count > MostShown ? ", …" : "")}. Each is learnt as a class of its own: write them one way.")
            {
                Column = target.Name,
                Count = alike.Sum(group => group.Count),
                Example = Warning.Shorten(alike[0][0]),
                Headline = true,
            };
        }
    }

    private static IEnumerable<Warning> Kept(DatasetManifest clean)
    {
        if (clean.Notes[DatasetNotes.Kept]?.GetValue<long>() is > 0 and var equal)
        {
            var line = clean.Notes[DatasetNotes.KeptLine]?.GetValue<long>();
            yield return new Warning(
                WarningCodes.EqualRowsKept,
                $"{Warning.Share(equal, clean.Rows, "rows", "equals", "equal")} an earlier one and {(equal == 1 ? "was" : "were")} kept"
                    + $"{Shown(line, example: null)}, as rows have no id to tell them apart by. Set cleaning.duplicates to "
                    + "\"drop\" if they are the same thing twice.")
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
            yield return new Warning(WarningCodes.TargetLoss, string.Create(
                CultureInfo.InvariantCulture,
                $"The rows that were left out have another target than those that stayed: its mean (of a text or boolean, the share of one value) is "
                    + $"{loss.LeftOut.Mean:G4} in {loss.LeftOut.Count:N0} of them, {loss.Kept.Mean:G4} in the others"
                    + $"{Shown(loss.Line, loss.Example)}. The model does not see a part of the world: fill nulls instead, or correct the cells."))
            {
                Column = TargetColumn.Of(clean).Name,
                Count = loss.LeftOut.Count,
                Line = loss.Line,
                Example = loss.Example,
                Headline = true,
            };
        }
    }

    private static (string? Column, long? Line, string? Example) First(
        DatasetManifest raw, IReadOnlyList<Warning> noticed, string reason, DroppedRows? first)
    {
        if (first?.Columns.Count == 0)
        {
            return (null, first.Line, Warning.Shorten(string.Join(',', first.Rows[0])));
        }
        var column = reason.Split(": ", 2) is [_, var named] && raw.Columns.Any(one => one.Name == named) ? named : null;
        if (RowRules.IsUnparseable(reason) && column is not null)
        {
            // The raw version has no value there; the text was told when the file was read.
            var told = noticed.FirstOrDefault(warning => UnreadableCells.IsOf(warning, column));
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
