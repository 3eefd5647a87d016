using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Tests.Monitoring;

public sealed class LineWriterTests
{
    private static readonly DateTimeOffset At = new(2026, 5, 4, 12, 30, 1, 234, TimeSpan.FromHours(2));

    [Fact]
    public void A_row_is_one_line_with_all_that_there_is_to_know()
    {
        Lines(("""{"a": 1.50, "b": "x"}""", new Prediction(2.25, null))).Should().Equal(
            """{"at":"2026-05-04T10:30:01.234000Z","model":"m","version":3,"variant":"production","ms":1.235,"""
                + """ "prediction":2.25,"id":"some-id","features":{"a": 1.50, "b": "x"}}""".TrimStart());
    }

    [Fact]
    public void Rows_spread_over_several_lines_or_with_odd_values_stay_one_line_each_and_the_same_json()
    {
        const string Odd = "{\r\n  \"a\" : null,\n  \"text\": \"line\\nbreak \\u2028 \\\"quoted\\\" ä\"\n}";

        var lines = Lines((Odd, new Prediction(1, null)), ("""{"a":{"deep":[1,2]}}""", new Prediction(1, null)));

        lines.Should().HaveCount(2);
        JsonDocument.Parse(lines[0]).RootElement.GetProperty("features").GetProperty("text").GetString().Should().Be("line\nbreak \u2028 \"quoted\" ä");
        JsonDocument.Parse(lines[1]).RootElement.GetProperty("features").GetRawText().Should().Be("""{"a":{"deep":[1,2]}}""");
    }

    [Theory]
    [InlineData("ann")]
    [InlineData("größer \"als\" \\ ann")]
    public void A_key_stands_in_its_line_and_is_found_by_it(string key)
    {
        using var row = JsonDocument.Parse("""{"a": 1}""");
        var lines = Write(Answered([row.RootElement, row.RootElement], [new Prediction(1, null), new Prediction(1, null)], [key, key + "x"]));

        var (kept, rows) = new KeyedLines(key).Without(BinaryData.FromBytes(lines));

        JsonDocument.Parse(lines.AsMemory(0, lines.AsSpan().IndexOf((byte)'\n'))).RootElement.GetProperty("key").GetString().Should().Be(key);
        (rows, JsonDocument.Parse(kept).RootElement.GetProperty("key").GetString()).Should().Be((1, key + "x"));
    }

    [Fact]
    public void Labels_are_escaped_and_come_with_their_probability()
    {
        var lines = Lines(("{}", new Prediction(0.75, "yes \"sure\"\n")), ("{}", new Prediction(0.25, "no")), ("{}", new Prediction(0.875, "yes \"sure\"\n")));

        var read = lines.Select(line => JsonDocument.Parse(line).RootElement)
            .Select(line => (line.GetProperty("prediction").GetString(), line.GetProperty("probability").GetDouble()));
        read.Should().Equal(("yes \"sure\"\n", 0.75), ("no", 0.25), ("yes \"sure\"\n", 0.875));
    }

    [Theory]
    [InlineData(double.NaN, "null")]
    [InlineData(double.PositiveInfinity, "null")]
    [InlineData(-1e-300, "-1E-300")]
    [InlineData(1e21, "1E+21")]
    public void Predictions_are_json_numbers_or_none(double score, string expected)
    {
        var line = Lines(("{}", new Prediction(score, null))).Single();

        JsonDocument.Parse(line).RootElement.GetProperty("prediction").GetRawText().Should().Be(expected);
    }

    [Fact]
    public void A_writer_used_again_begins_afresh()
    {
        Lines(("""{"a":1}""", new Prediction(1, "first")));

        Lines(("""{"b":2}""", new Prediction(2, null))).Should().ContainSingle().Which.Should().NotContain("first").And.EndWith("""{"b":2}}""");
    }

    [Fact]
    public void Rows_of_one_request_have_ids_of_their_own()
    {
        Lines(("{}", new Prediction(1, null)), ("{}", new Prediction(2, null)))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Should().Equal("some-id-0", "some-id-1");
    }

    [Fact]
    public void Intervals_sets_and_what_a_version_could_not_answer_stand_in_the_line()
    {
        using var row = JsonDocument.Parse("{}");
        var answered = Answered([row.RootElement], [new Prediction(1, null)], keys: null);
        var intervals = answered with { Ranges = new PredictionRanges([new PredictionInterval(0.5, double.PositiveInfinity)], null) };
        var sets = answered with { Ranges = new PredictionRanges(null, [["yes", "no"]]) };

        Read(Write(intervals))[0].Should().Contain("\"interval\":[0.5,null]");
        Read(Write(sets))[0].Should().Contain("""
            "set":["yes","no"]
            """);
        Read(Write(answered with { Predictions = null }))[0].Should().Contain("""
            "prediction":null,"failed":true
            """);
    }

    private static string[] Lines(params (string Row, Prediction Prediction)[] rows)
    {
        var documents = rows.Select(row => JsonDocument.Parse(row.Row)).ToList();
        return Read(Write(Answered([.. documents.Select(document => document.RootElement)], [.. rows.Select(row => row.Prediction)], keys: null)));
    }

    private static AnsweredRows Answered(IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, IReadOnlyList<string?>? keys) => new(
        new ServedModel("m", 3, null!), "production", new AskedRows("some-id", rows, keys, Places: null), predictions, null, TimeSpan.FromMilliseconds(1.2346));

    private static byte[] Write(AnsweredRows answered)
    {
        var writer = LineWriter.Rent();
        writer.Begin(At, answered);
        for (var row = 0; row < answered.Asked.Rows.Count; row++)
        {
            writer.Add(answered, row);
        }
        var lines = writer.Take();
        LineWriter.Return(writer);
        return lines;
    }

    private static string[] Read(byte[] lines)
    {
        var text = Encoding.UTF8.GetString(lines);
        text.Should().EndWith("\n");
        return text.TrimEnd('\n').Split('\n');
    }
}
