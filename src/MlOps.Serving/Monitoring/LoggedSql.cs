using MlOps.Pipeline.Data.Duck;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// Reads files of the prediction log, lines or compacted, by SQL. A compacted file has a column for each member of a line (<see cref="LoggedRow"/>), those
/// that are no plain text as the JSON that stood in the line, <c>features</c> among them: so that a row reads the same from either. A line that is not
/// written as <see cref="LineWriter"/> writes it stands whole in a column of its own too, so that no member is lost.
/// </summary>
internal static class LoggedSql
{
    public const string FileExtension = ".parquet";

    /// <summary>Ids and features are most of a row: this takes about two thirds of what the usual one does.</summary>
    public const string Compression = "zstd";

    /// <summary>A line as a whole.</summary>
    public const string Line = "line";

    private const string Text = "VARCHAR";
    private const string Features = $",\"{LoggedRow.Features}\":";

    /// <summary>A line up to its features: texts that need an escape are left to the general way.</summary>
    private const string Head = """
        ^\{"at":"([^"\\]+)","model":"([^"\\]+)","version":([0-9]{1,9}),"variant":"([^"\\]+)","ms":([^,"]+),"prediction":("(?:[^"\\]|\\.)*"|[^,"]+)
        """
        + """
        (?:,"probability":([^,"]+))?(?:,"failed":(true))?(?:,"id":"([^"\\]+)")?(?:,"key":"([^"\\]+)")?(?:,"interval":(\[[^\]"]*\]))?
        """
        + """
        (?:,"set":(\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\]))?$
        """;

    private static readonly string[] HeadMembers =
    [
        LoggedRow.At, LoggedRow.Model, LoggedRow.Version, LoggedRow.Variant, LoggedRow.Milliseconds, LoggedRow.Prediction, LoggedRow.Probability,
        LoggedRow.Failed, LoggedRow.Id, LoggedRow.Key, LoggedRow.Interval, LoggedRow.Set,
    ];

    /// <summary>How the members of a line are read: as what, and how a compacted column becomes that.</summary>
    private static readonly Dictionary<string, (string Type, string FromCompacted)> Members = new(StringComparer.Ordinal)
    {
        [LoggedRow.At] = (Text, Plain(LoggedRow.At)),
        [LoggedRow.Version] = ("BIGINT", Plain(LoggedRow.Version)),
        [LoggedRow.Variant] = (Text, Plain(LoggedRow.Variant)),
        [LoggedRow.Failed] = ("BOOLEAN", Plain(LoggedRow.Failed)),
        [LoggedRow.Id] = (Text, Plain(LoggedRow.Id)),
        [LoggedRow.Key] = (Text, Plain(LoggedRow.Key)),
        [LoggedRow.Prediction] = (Text, Transformed(Plain(LoggedRow.Prediction), Text)),
        [LoggedRow.Milliseconds] = ("DOUBLE", Transformed(Plain(LoggedRow.Milliseconds), "DOUBLE")),
        [LoggedRow.Probability] = ("DOUBLE", Transformed(Plain(LoggedRow.Probability), "DOUBLE")),
        [LoggedRow.Features] = ("JSON", $"nullif({Plain(LoggedRow.Features)}, 'null')::JSON"),
    };

    /// <summary>A FROM clause over the rows of files of either kind.</summary>
    /// <param name="files">Local files: of lines, or compacted (<see cref="FileExtension"/>).</param>
    /// <param name="members">The members that are read.</param>
    public static string From(IReadOnlyList<string> files, params IReadOnlyList<string> members)
    {
        var (compacted, lines) = (files.Where(IsCompacted).ToList(), files.Where(file => !IsCompacted(file)).ToList());
        var sources = new List<string>();
        if (lines.Count > 0)
        {
            var columns = string.Join(", ", members.Select(member => $"'{member}': '{Members[member].Type}'"));
            sources.Add(
                $"SELECT {string.Join(", ", members.Select(Plain))} FROM read_json({Sql.Files(lines)}, format = 'newline_delimited', ignore_errors = true, "
                    + $"columns = {{{columns}}})");
        }
        if (compacted.Count > 0)
        {
            var columns = string.Join(", ", members.Select(member => $"{Members[member].FromCompacted} AS {Plain(member)}"));
            sources.Add($"SELECT {columns} FROM read_parquet({Sql.Files(compacted)})");
        }
        return $"({string.Join(" UNION ALL ", sources)})";
    }

    /// <summary>The rows of files of lines as they are compacted, in their order.</summary>
    public static string Compacted(IReadOnlyList<string> files)
    {
        var columns = HeadMembers.Select(
            member => $"CASE WHEN known THEN nullif(head.{Plain(member)}, '') ELSE {OfJson(member)} END AS {Plain(member)}");
        return $$"""
            SELECT * REPLACE (TRY_CAST({{LoggedRow.Version}} AS BIGINT) AS {{LoggedRow.Version}},
                TRY_CAST({{LoggedRow.Failed}} AS BOOLEAN) AS {{LoggedRow.Failed}})
            FROM (SELECT {{string.Join(", ", columns)}},
                CASE WHEN known THEN row ELSE {{OfJson(LoggedRow.Features)}} END AS {{Plain(LoggedRow.Features)}},
                CASE WHEN known THEN NULL ELSE {{Line}} END AS {{Line}}
            FROM (SELECT *, place > 0 AND head.{{Plain(LoggedRow.Version)}} <> '' AND suffix({{Line}}, '}') AND json_valid(row) AS known
            FROM (SELECT *, regexp_extract({{Line}}[1:place - 1], {{Sql.Text(Head)}}, {{Sql.Texts(HeadMembers)}}) AS head,
                {{Line}}[place + {{Features.Length}}:-2] AS row
            FROM (SELECT *, strpos({{Line}}, {{Sql.Text(Features)}}) AS place FROM (SELECT json::VARCHAR AS {{Line}} FROM {{Objects(files)}})))))
            """;
    }

    /// <summary>Which of some files of lines have a line that is no JSON.</summary>
    public static string Unreadable(IReadOnlyList<string> files) => $"SELECT DISTINCT filename FROM {Objects(files)} WHERE json IS NULL";

    /// <summary>The line as it was written, from a compacted file.</summary>
    public static string Whole { get; } =
        $"coalesce({Line}, '{{\"at\":\"' || \"at\" || '\",\"model\":\"' || model || '\",\"version\":' || version || ',\"variant\":\"' || variant "
            + "|| '\",\"ms\":' || ms || ',\"prediction\":' || prediction || coalesce(',\"probability\":' || probability, '') "
            + "|| CASE WHEN failed THEN ',\"failed\":true' ELSE '' END "
            + "|| coalesce(',\"id\":\"' || id || '\"', '') || coalesce(',\"key\":\"' || \"key\" || '\"', '') || coalesce(',\"interval\":' || \"interval\", '') "
            + "|| coalesce(',\"set\":' || \"set\", '') || ',\"features\":' || features || '}')";

    public static bool IsCompacted(string file) => file.EndsWith(FileExtension, StringComparison.Ordinal);

    private static string Objects(IReadOnlyList<string> files) =>
        $"read_ndjson_objects({Sql.Files(files)}, ignore_errors = true, filename = true)";

    private static string OfJson(string member)
    {
        var json = $"json_extract({Line}, '$.{member}')";
        return member is LoggedRow.At or LoggedRow.Version or LoggedRow.Variant or LoggedRow.Failed or LoggedRow.Id or LoggedRow.Key
            ? $"{Transformed(json, Members[member].Type)}::VARCHAR"
            : $"{json}::VARCHAR";
    }

    /// <summary>As the reader of lines turns JSON into a type.</summary>
    private static string Transformed(string json, string type) => $"json_transform({json}, '\"{type}\"')";

    private static string Plain(string member) => Sql.Name(member);
}
