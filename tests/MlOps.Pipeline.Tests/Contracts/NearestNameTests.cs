using System.Globalization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class NearestNameTests
{
    private static readonly string[] Columns = ["vendor_id", "rate_code", "trip_distance", "fare", "a", "id"];

    [Theory]
    [InlineData("vendor-id", "vendor_id")]
    [InlineData("vendr_id", "vendor_id")]
    [InlineData("VENDOR_ID", "vendor_id")]
    [InlineData("trip_distnace", "trip_distance")]
    [InlineData("trip", "trip_distance")]
    [InlineData("fair", "fare")]
    [InlineData("fare_amount", "fare")]
    [InlineData("di", "id")]
    [InlineData("A", "a")]
    public void A_name_that_is_near_is_suggested(string name, string nearest)
    {
        NearestName.Of(name, Columns).Should().Be(nearest);
        NearestName.Ending(name, Columns).Should().Be($"; did you mean '{nearest}'?");
    }

    [Theory]
    [InlineData("zzz")]
    [InlineData("x")]
    [InlineData("passenger_count")]
    [InlineData("payment")]
    [InlineData("")]
    public void Without_a_near_name_the_known_ones_are_listed(string name)
    {
        NearestName.Of(name, Columns).Should().BeNull();
        NearestName.Ending(name, Columns).Should().Be("; known are vendor_id, rate_code, trip_distance, fare, a, id.");
        NearestName.Question(name, Columns).Should().Be(".");
    }

    [Fact]
    public void Of_several_that_are_near_the_nearest_is_suggested() => NearestName.Of("tres", ["tresor", "treat", "trees"]).Should().Be("trees");

    [Fact]
    public void Swapped_neighbours_count_once() => NearestName.Of("abc", ["acb"]).Should().Be("acb");

    [Theory]
    [InlineData(0, ".")]
    [InlineData(1, "; known is 0.")]
    [InlineData(2, "; known are 0, 1.")]
    [InlineData(10, "; known are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.")]
    [InlineData(11, "; known are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …")]
    public void A_sentence_lists_ten_names_at_most(int known, string ending) =>
        NearestName.Ending("zzz", [.. Enumerable.Range(0, known).Select(i => i.ToString(CultureInfo.InvariantCulture))]).Should().Be(ending);
}
