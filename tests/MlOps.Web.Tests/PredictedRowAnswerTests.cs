using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Tests;

/// <summary>What is written by hand is what the serializer writes.</summary>
public sealed class PredictedRowAnswerTests
{
    public static TheoryData<string> Rows => [.. Cases.Keys];

    private static readonly Dictionary<string, PredictedRow> Cases = new()
    {
        ["a number"] = Row(16.67053985595703, null),
        ["a whole number"] = Row(3.0, null),
        ["a small one"] = Row(-1.25e-19, null),
        ["no number"] = Row(null, null),
        ["a label"] = Row("yes", 0.5),
        ["a label to escape"] = Row("<\"é\n\u2028+&'>", 1 / 3.0),
        ["with more"] = Row(1.5, null) with { Unseen = ["a"], Interval = new PredictedInterval(1, 2) },
        ["explained"] = Row("no", 0.25) with { Contributions = new Dictionary<string, double> { ["a"] = 0.1 }, BaseValue = 2, ContributionUnit = "log-odds" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void It_is_the_serializers_text(string name)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            PredictedRowAnswer.Write(json, Cases[name]);
        }

        Encoding.UTF8.GetString(bytes.WrittenSpan).Should().Be(JsonSerializer.Serialize(Cases[name], Json.Options));
    }

    private static PredictedRow Row(object? prediction, double? probability) =>
        new(prediction, probability, "taxi-fare", 3, "challenger") { Id = "019df0d2-3040-7e5c-90f8-7731ae3f7ec9-0" };
}
