using System.Diagnostics.Metrics;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class VersionCounterTests
{
    [Fact]
    public void Every_addition_counts_by_model_and_version_when_somebody_asks()
    {
        using var meter = new Meter("MlOps.Tests.VersionCounter");
        var counter = new VersionCounter(meter, "rows", "{row}", "Rows.");
        using var listener = Listen(meter, out var told);
        listener.RecordObservableInstruments();
        told.Should().BeEmpty("nothing is served yet");

        Parallel.For(0, 10_000, row => counter.Of("trips", 1 + (row % 2)).Add(3));
        counter.Of("orders", 1);
        listener.RecordObservableInstruments();

        told.Should().BeEquivalentTo(new Dictionary<string, long> { ["trips 1"] = 15_000, ["trips 2"] = 15_000, ["orders 1"] = 0 });
    }

    [Fact]
    public void A_version_that_is_loaded_again_goes_on_counting()
    {
        using var meter = new Meter("MlOps.Tests.VersionCounter");
        var counter = new VersionCounter(meter, "rows", "{row}", "Rows.");
        using var listener = Listen(meter, out var told);

        counter.Of("trips", 1).Add(2);
        counter.Of("trips", 1).Add(5);
        listener.RecordObservableInstruments();

        told.Should().Equal(new Dictionary<string, long> { ["trips 1"] = 7 });
        counter.Of("trips", 1).Should().BeSameAs(counter.Of("trips", 1));
    }

    private static MeterListener Listen(Meter meter, out Dictionary<string, long> told)
    {
        var found = told = [];
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, mine) =>
            {
                if (instrument.Meter == meter)
                {
                    mine.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => found[$"{tags[0].Value} {tags[1].Value}"] = value);
        listener.Start();
        return listener;
    }
}
