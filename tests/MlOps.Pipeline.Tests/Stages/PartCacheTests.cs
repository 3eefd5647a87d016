using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

public sealed class PartCacheTests : IDisposable
{
    private const int Megabyte = 1024 * 1024;

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-parts-").FullName;
    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 3, 2, 1, TimeSpan.Zero));
    private readonly PartCache cache;

    public PartCacheTests() => cache = new PartCache(new PipelineOptions { WorkFolder = folder, PartCacheMb = 3 }, clock);

    [Fact]
    public void Of_too_many_parts_those_go_that_were_not_opened_for_the_longest()
    {
        Stage(() => Add("a"));
        Stage(() => Add("b"));
        Stage(() => Add("c"));
        Stage(() => Find("a").Should().BeTrue());

        Stage(() => Add("d"));

        Here().Should().Equal("a", "c", "d");
    }

    [Fact]
    public void A_clock_that_is_set_back_changes_nothing()
    {
        Stage(() => Add("a"));
        Stage(() => Add("b"));
        clock.Now -= TimeSpan.FromHours(1);
        Stage(() => Add("c"));

        Stage(() => Add("d"));

        Here().Should().Equal("b", "c", "d");
    }

    [Fact]
    public void What_was_opened_outside_of_a_stage_does_not_stay_for_as_long_as_the_clock_was_set_back()
    {
        Add("a");
        clock.Now -= TimeSpan.FromDays(1);
        clock.Now += TimeSpan.FromHours(1);
        foreach (var part in new[] { "b", "c", "d" })
        {
            Stage(() => Add(part));
        }

        Here().Should().Equal("b", "c", "d");
    }

    [Fact]
    public void What_a_stage_has_opened_stays_until_it_ends_however_much_it_is()
    {
        using (cache.Begin())
        {
            foreach (var part in new[] { "a", "b", "c", "d", "e" })
            {
                Add(part);
            }
            Here().Should().Equal("a", "b", "c", "d", "e");
        }
        Stage(() => Add("f"));

        Here().Should().Equal("d", "e", "f");
    }

    [Fact]
    public async Task A_part_that_two_stages_read_stays_until_both_have_ended()
    {
        var (second, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        Stage(() => Add("a"));
        var reading = Task.Run(async () =>
        {
            using var use = cache.Begin();
            Find("a").Should().BeTrue();
            second.SetResult();
            await end.Task;
        });
        await second.Task;
        Stage(() => Find("a").Should().BeTrue());

        Stage(() => Add("b"));
        Stage(() => Add("c"));
        Stage(() => Add("d"));
        var during = Here();
        end.SetResult();
        await reading;
        Stage(() => Add("e"));
        Stage(() => Add("f"));
        Stage(() => Add("g"));

        during.Should().Equal("a", "c", "d");
        Here().Should().Equal("e", "f", "g");
    }

    [Fact]
    public void A_part_that_was_opened_outside_of_a_stage_stays_for_a_while()
    {
        Add("a");
        Stage(() => Add("b"));
        Stage(() => Add("c"));
        Stage(() => Add("d"));
        var soon = Here();
        clock.Now += TimeSpan.FromHours(1);
        Stage(() => Add("e"));

        soon.Should().Equal("a", "c", "d");
        Here().Should().Equal("c", "d", "e");
    }

    [Fact]
    public void What_an_earlier_process_has_left_counts_too()
    {
        Stage(() => Add("a"));
        Stage(() => Add("b"));
        Stage(() => Add("c"));
        var restarted = new PartCache(new PipelineOptions { WorkFolder = folder, PartCacheMb = 3 }, clock);

        using (restarted.Begin())
        {
            restarted.Add("v", "d.parquet", NewFile());
        }

        Here().Should().HaveCount(3).And.Contain("d");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Stage(Action work)
    {
        clock.Now += TimeSpan.FromSeconds(1);
        using var use = cache.Begin();
        work();
    }

    private void Add(string part) => cache.Add("v", part + ".parquet", NewFile());

    private bool Find(string part) => cache.Find("v", part + ".parquet", Megabyte) is not null;

    private string NewFile()
    {
        var file = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(file, new byte[Megabyte]);
        return file;
    }

    private List<string> Here() =>
    [
        .. Directory.GetFiles(folder, "*.parquet", SearchOption.AllDirectories).Select(file => Path.GetFileNameWithoutExtension(file)!)
            .Order(StringComparer.Ordinal),
    ];
}
