using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Tests.Monitoring;

public sealed class PredictionIdTests
{
    private static readonly DateTimeOffset At = new(2026, 5, 4, 12, 30, 1, 234, TimeSpan.Zero);

    [Fact]
    public void An_id_is_a_UUID_of_version_7_that_tells_its_time_and_no_two_are_the_same()
    {
        var ids = Enumerable.Range(0, 10_000).Select(_ => PredictionId.New(At)).ToList();

        ids.Should().OnlyHaveUniqueItems();
        ids.Select(id => PredictionId.TimeOf(id)).Distinct().Should().Equal(At);
        ids.Select(Guid.Parse).Should().OnlyContain(id => id.Version == 7 && id.Variant >= 8 && id.Variant <= 11);
        string.CompareOrdinal(PredictionId.New(At), PredictionId.New(At.AddMilliseconds(1))).Should().BeNegative("ids sort as their times do");
    }

    [Fact]
    public void Threads_draw_ids_of_their_own()
    {
        var ids = new string[80_000];

        Parallel.For(0, ids.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, place => ids[place] = PredictionId.New(At));

        ids.Should().OnlyHaveUniqueItems();
        // The twelve bits after the version and the 62 after the variant are drawn: each is set about as often as not.
        var bits = ids.Take(10_000).Select(id => Guid.Parse(id).ToByteArray(bigEndian: true)).ToList();
        for (var bit = 48; bit < 128; bit++)
        {
            var share = bits.Count(bytes => (bytes[bit / 8] >> (7 - (bit % 8)) & 1) == 1) / 10_000.0;
            if (bit is (>= 48 and < 52) or 64 or 65)
            {
                share.Should().Be(bit is 49 or 50 or 51 or 64 ? 1 : 0, $"bit {bit} is of version 7 or of the variant");
            }
            else
            {
                share.Should().BeInRange(0.47, 0.53, $"bit {bit} is drawn");
            }
        }
    }

    [Theory]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d", true)]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d-0", true)]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d-999999999", true)]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d-9999999999", false)]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d-", false)]
    [InlineData("01a21bf2-bffc-730c-920b-bbddc1ff830d-1x", false)]
    [InlineData("01a21bf2-bffc-430c-920b-bbddc1ff830d", false)]
    [InlineData("01a21bf2bffc730c920bbbddc1ff830d0000", false)]
    [InlineData("", false)]
    public void What_is_no_id_is_none(string text, bool isOne) => PredictionId.TimeOf(text).HasValue.Should().Be(isOne);
}
