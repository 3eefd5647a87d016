using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>
/// Reads which group each row of a table belongs to. A column need not be one that the model sees. Numbers of more than ten different values are cut into
/// quarters of the rows, times into years; groups of fewer rows than say anything, and those beyond twenty, stand together.
/// </summary>
internal static class SliceColumns
{
    private const int MostGroups = 20;
    private const int MostNumbers = 10;

    /// <param name="session">Reads.</param>
    /// <param name="rows">The rows, in the order of the table that was predicted.</param>
    /// <param name="column">The column.</param>
    public static Slices Read(DuckDbSession session, LocalTable rows, DatasetColumn column)
    {
        var value = ValueSql(session, rows, column);
        var counts = session.Rows($"SELECT v, count(*) FROM (SELECT {value} AS v FROM {rows.ToSql()}) GROUP BY v ORDER BY 2 DESC, 1")
            .Select(row => (Name: (string)row[0]!, Rows: Convert.ToInt64(row[1], CultureInfo.InvariantCulture))).ToList();
        List<string> names = [.. counts.TakeWhile(group => group.Rows >= Evaluation.FewestRows).Take(MostGroups).Select(group => group.Name)];
        var codes = new int[rows.Manifest.Rows];
        var start = 0;
        var code = names.Count == 0 ? "-1::INTEGER" : $"coalesce(list_position({Sql.Texts(names)}, {value}), 0)::INTEGER - 1";
        session.Read($"SELECT ({code})::INTEGER FROM {rows.ToSql()}", (vectors, count) =>
        {
            vectors[0].Values<int>(count).CopyTo(codes.AsSpan(start, count));
            start += count;
        });
        return new Slices(column.Name, names, codes, counts.Count - names.Count);
    }

    private static string ValueSql(DuckDbSession session, LocalTable rows, DatasetColumn column)
    {
        var name = Sql.Name(column.Name);
        var text = column.Type switch
        {
            StorageType.Timestamp => $"strftime({name}, '%Y')",
            StorageType.Double when session.Count($"SELECT count(DISTINCT {name}) FROM {rows.ToSql()}") > MostNumbers => QuarterSql(session, rows, name),
            _ => TargetColumn.TextSql(column),
        };
        return $"coalesce({text}, '(no value)')";
    }

    private static string QuarterSql(DuckDbSession session, LocalTable rows, string name)
    {
        double[] ends =
        [
            .. session.Rows($"SELECT quantile_disc({name}, 0.25), quantile_disc({name}, 0.5), quantile_disc({name}, 0.75) FROM {rows.ToSql()}")[0]
                .Select(end => Convert.ToDouble(end, CultureInfo.InvariantCulture)).Distinct(),
        ];
        var cases = ends.Select((end, i) =>
            $"WHEN {name} <= {Sql.Number(end)} THEN {Sql.Text(i == 0 ? $"up to {Text(end)}" : $"{Text(ends[i - 1])} to {Text(end)}")}");
        return $"CASE {string.Join(' ', cases)} WHEN {name} IS NOT NULL THEN {Sql.Text($"above {Text(ends[^1])}")} END";

        static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
    }
}
