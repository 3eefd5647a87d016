using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tests.Stages;

public sealed class RowLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Lines_of_parts_put_together_are_those_of_the_whole(int seed)
    {
        var random = new Random(seed);
        var starts = new List<long>();
        var line = 2L;
        for (var row = 0; row < 400; row++)
        {
            starts.Add(line);
            // Now and then a cell of several lines, or blank lines behind.
            line += random.Next(10) == 0 ? random.Next(2, 5) : 1;
        }
        var whole = new RowLines();
        starts.ForEach(whole.Add);

        var joined = new RowLines();
        var (done, linesBefore) = (0, 0L);
        while (done < starts.Count)
        {
            var part = new RowLines();
            var rows = Math.Min(random.Next(0, 90), starts.Count - done);
            starts.Skip(done).Take(rows).ToList().ForEach(start => part.Add(start - linesBefore));
            joined.Add(part, linesBefore);
            done += rows;
            linesBefore = done < starts.Count ? starts[done] - 1 : linesBefore;
        }

        joined.ToJson()!.ToJsonString().Should().Be(whole.ToJson()!.ToJsonString());
        var raw = Raw(joined);
        Enumerable.Range(0, starts.Count).Select(row => RowLines.Of(raw, row)).Should().Equal(starts.Select(start => (long?)start));
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(1001, false)]
    public void Of_a_file_of_very_many_odd_rows_no_lines_are_known(int leaps, bool known)
    {
        var part = new RowLines();
        for (var row = 0; row < leaps; row++)
        {
            part.Add(2 * row);
        }
        var whole = new RowLines();
        whole.Add(part, 1);

        (whole.ToJson() is not null).Should().Be(known);
    }

    private static DatasetManifest Raw(RowLines lines) => new()
    {
        Id = "raw",
        Stage = "ingest",
        Parents = [],
        Parameters = [],
        Columns = [],
        Parts = [new DatasetPart("part", 400, 1)],
        Rows = 400,
        Notes = new() { [DatasetNotes.Lines] = lines.ToJson() },
    };
}
