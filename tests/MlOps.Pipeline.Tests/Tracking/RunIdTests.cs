using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Pipeline.Tests.Tracking;

public sealed class RunIdTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Second = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_thousand_files_of_one_second_have_a_run_each()
    {
        // Names among which two would be one, were ids told apart by as few digits as those of runs that are started one by one.
        var firsts = new Dictionary<string, string>();
        var pair = Enumerable.Range(0, 1_000_000).Select(i => $"trips/part-{i}.csv|0x8DD")
            .Select(name => (name, twin: firsts.TryAdd(Digits(name)[..6], name) ? null : firsts[Digits(name)[..6]])).First(found => found.twin is not null);
        string[] names = [.. Enumerable.Range(0, 998).Select(i => $"trips/day-{i}.csv|0x8DD"), pair.name, pair.twin!];

        var ids = names.Select(name => RunId.Of("trips", Second, name)).ToList();

        ids.Should().OnlyHaveUniqueItems();
        ids.Should().Equal(names.Select(name => RunId.Of("trips", Second, name)), "the same cause is the same run");
    }

    [Fact]
    public void An_id_names_its_model_whatever_that_is_called()
    {
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            // Digits and hyphens, as the rest of an id has.
            var model = "m" + new string(random.GetItems<char>("0123456789-", random.Next(0, 61))) + "0";

            RunId.ModelOf(RunId.New(model, Second)).Should().Be(model);
            RunId.ModelOf(RunId.Of(model, Second, $"cause {i}")).Should().Be(model);
        }
    }

    [Fact]
    public void The_id_of_a_model_with_the_longest_name_is_one_that_durable_instances_may_have() =>
        RunId.Of(new string('m', 63), Second, "cause").Length.Should().BeLessThanOrEqualTo(100);

    private static string Digits(string cause) => RunId.Of("m", Second, cause).Split('-')[^1];
}
