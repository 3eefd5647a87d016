using MlOps.Local.Cli;

namespace MlOps.Local.Tests.Cli;

public sealed class TrainNameTests
{
    [Theory]
    [InlineData("/data/taxi-fare-train.csv", "taxi-fare-train")]
    [InlineData("/data/My Trips (May) 2026.tar.csv.gz", "my-trips-may-2026")]
    [InlineData("/data/.hidden.csv", "hidden")]
    [InlineData("/data/数据.parquet", "model")]
    [InlineData("/data/file", "file")]
    public void A_files_name_becomes_a_models_name(string file, string model) => TrainCommand.NameFrom(file).Should().Be(model);

    [Fact]
    public void A_long_name_is_cut_to_what_a_model_may_be_called() =>
        TrainCommand.NameFrom("/data/" + new string('a', 62) + " bcd.csv").Should().Be(new string('a', 62));
}
