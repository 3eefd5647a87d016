using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Serving.Monitoring;
using static MlOps.Serving.Tests.Monitoring.LoggedHours;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>A compacted row reads as the line that it was.</summary>
public sealed class LoggedSqlTests : IDisposable
{
    private const int Rows = 400;

    private static readonly string[] Columns =
    [
        "a", "to/the ~moon", "it's a \"name\"", "$.a", "x'); DROP TABLE t; --", "features", "key", ",\"features\":{", "line", "ü\u0001", "\u202e", "a b\tc\n",
        "[*]",
    ];

    private static readonly string[] Members =
    [
        LoggedRow.At, LoggedRow.Version, LoggedRow.Variant, LoggedRow.Failed, LoggedRow.Id, LoggedRow.Key, LoggedRow.Prediction, LoggedRow.Probability,
        LoggedRow.Milliseconds,
    ];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mlops-sql-");
    private readonly DuckDb duckDb;

    public LoggedSqlTests() => duckDb = new DuckDb(new PipelineOptions { WorkFolder = folder.FullName }, []);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_member_and_column_reads_the_same_from_lines_and_from_Parquet(int seed)
    {
        var random = new Random(seed);
        string[] lines = [.. Enumerable.Range(0, Rows).Select(i => RandomLine(random, i)), .. Odd];
        var (before, after) = Files(lines);
        using var session = duckDb.Open(default);

        Differences(lines, Read(session, before, Members), Read(session, after, Members)).Should().BeEmpty($"seed {seed}");
        foreach (var column in Columns.Append("missing"))
        {
            var pointer = Sql.Texts(["/" + column.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)]);
            var cells = $"(json_extract_string(features, {pointer}) || json_type(features, {pointer}))::VARCHAR";
            Differences(lines, Read(session, before, [LoggedRow.Features], cells), Read(session, after, [LoggedRow.Features], cells)).Should()
                .BeEmpty($"column {column}, seed {seed}");
        }
        session.Rows($"SELECT {LoggedSql.Whole} FROM read_parquet({Sql.File(after)})").Select(row => (string)row[0]!).Should().Equal(lines, $"seed {seed}");
    }

    [Fact]
    public void Lines_of_the_log_need_no_copy_of_themselves()
    {
        string[] lines =
        [
            Text(Line("m", 1, "customer-7", """{"a": 1, "b":"x\u0022"}""")),
            Text(Line("m", 2, null, "{}", "\"y\\u0022es\"", ",\"set\":[\"a]\\u0022,\",\"b\"]")),
            Text(Line("m", 3, "k", """{"a":null}""", "1E-05", ",\"interval\":[1.5,null]")),
            """{"at":"t","model":"m","version":3,"variant":"shadow","ms":0,"prediction":null,"failed":true,"id":"i","features":{"a":1}}""",
            """{"at":"t","model":"m","version":3,"variant":"production","ms":0,"prediction":"yes","probability":2.3E-06,"id":"i","features":{"a":1}}""",
        ];
        var (_, after) = Files(lines);
        using var session = duckDb.Open(default);

        session.Count($"SELECT count(*) FROM read_parquet({Sql.File(after)}) WHERE line IS NOT NULL").Should().Be(0);
        session.Rows($"SELECT {LoggedSql.Whole} FROM read_parquet({Sql.File(after)})").Select(row => (string)row[0]!).Should().Equal(lines);
    }

    public void Dispose()
    {
        duckDb.Dispose();
        folder.Delete(recursive: true);
    }

    /// <summary>What other releases, or people, may have written.</summary>
    private static IEnumerable<string> Odd =>
    [
        "{}", """{"at":"x"}""", """{"at":"","model":"m","version":1,"variant":"v","ms":1,"prediction":1,"id":"i","features":{"a":1}}""",
        """{"at":"x","model":"m","version":1,"variant":"v","ms":1,"prediction":1,"features":{"a":1},"later":{"a":2}}""",
        """{"at":"x","model":"m","version":1,"variant":"v","ms":1,"prediction":1,"more":true,"id":"i","features":{"a":1}}""",
        """{"version":"3","at":7,"prediction":{"a":1},"key":5,"failed":"yes","features":null}""",
        """{ "at": "x", "version": 2, "variant": "v", "features": { "a" : 1.10, "a" : 2 } }""",
        """{"at":"x","model":"m","version":99999999999999999999,"variant":"v","ms":1,"prediction":1e400,"probability":"no","features":{"a":1e5}}""",
        """{"at":"x","model":"m","version":1,"variant":"v","ms":1,"prediction":1}""",
    ];

    private static string RandomLine(Random random, int i)
    {
        var features = Columns.Where(_ => random.Next(4) > 0).Select(column => $"{Name(column, random)}:{(random.Next(2) == 0 ? " " : "")}{Value(random)}");
        string?[] keys = [null, "ann", "ö\"\\", ",\"features\":{", "customer-" + i];
        string[] predictions = ["1", "-2.5E-07", "null", "\"yes\"", "\"\\u0022,\\u0022features\\u0022:{\"", "16.89564323425293"];
        string[] more = ["", ",\"interval\":[1,2.5]", ",\"set\":[\"a\",\"]\"]", ",\"interval\":[null,null]"];
        return Text(Line(
            "m", random.Next(3600), keys[random.Next(keys.Length)], "{" + string.Join(random.Next(2) == 0 ? "," : " , ", features) + "}",
            predictions[random.Next(predictions.Length)] + (random.Next(3) == 0 ? ",\"probability\":0.25" : ""), more[random.Next(more.Length)],
            random.Next(2) == 0 ? "production" : "shadow"));
    }

    private static string Name(string column, Random random) => JsonSerializer.Serialize(column, random.Next(2) == 0 ? JsonSerializerOptions.Default : Relaxed);

    private static string Value(Random random) => random.Next(9) switch
    {
        0 => "null",
        1 => "true",
        2 => "false",
        3 => random.Next(-5, 5).ToString(CultureInfo.InvariantCulture),
        4 => (random.NextDouble() * Math.Pow(10, random.Next(-20, 20))).ToString("R", CultureInfo.InvariantCulture),
        5 => "1.0",
        6 => "12345678901234567890123",
        7 => "\"\"",
        _ => JsonSerializer.Serialize(new string([.. Enumerable.Range(0, random.Next(9)).Select(_ => "a'\"\\\n,{}é漢"[random.Next(10)])])),
    };

    private static string Text(string line) => line.TrimEnd('\n');

    private (string Lines, string Parquet) Files(string[] lines)
    {
        var (before, after) = (Path.Combine(folder.FullName, "[0].jsonl"), Path.Combine(folder.FullName, "rows.parquet"));
        File.WriteAllText(before, string.Join('\n', lines) + "\n\n");
        using var session = duckDb.Open(default);
        session.Copy(LoggedSql.Compacted([before]), after, LoggedSql.Compression).Should().Be(lines.Length);
        return (before, after);
    }

    private static List<string> Read(DuckDbSession session, string file, string[] members, string cells = "*") =>
        [.. session.Rows($"SELECT {cells} FROM {LoggedSql.From([file], members)}").Select(row => JsonSerializer.Serialize(row))];

    private static IEnumerable<string> Differences(string[] lines, List<string> before, List<string> after)
    {
        (before.Count, after.Count).Should().Be((lines.Length, lines.Length));
        return lines.Select((line, i) => $"{line} was {before[i]}, is {after[i]}").Where((_, i) => before[i] != after[i]);
    }
}
