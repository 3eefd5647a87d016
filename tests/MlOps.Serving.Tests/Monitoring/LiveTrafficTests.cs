using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>What versions did in a window, by rows of the prediction log in either form.</summary>
public sealed class LiveTrafficTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 5, 4, 10, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mlops-traffic-");
    private readonly DuckDb duckDb;

    public LiveTrafficTests() => duckDb = new DuckDb(new PipelineOptions { WorkFolder = folder.FullName }, []);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_version_is_counted_by_what_it_answered_as_and_how_fast(bool isCompacted)
    {
        string[] lines =
        [
            .. Enumerable.Range(1, 100).Select(i => Line(i * 10, 3, Variants.Production, ms: i)),
            .. Enumerable.Range(1, 4).Select(i => Line(i, 4, Variants.Challenger, ms: 0.5, isFailed: i > 1)),
            Line(7, 5, Variants.Shadow, ms: 900, isFailed: true),
            // Of other windows: one just before, one just at the end.
            Line(-1, 3, Variants.Production, ms: 5000), Line(3600, 3, Variants.Production, ms: 5000), "no line at all",
        ];
        using var session = duckDb.Open(default);

        var traffic = LiveTraffic.Of(session, new LoggedFiles([Write(session, lines, isCompacted)], 100, IsWhole: true), Hour);

        traffic.From.Should().Be(Start);
        traffic.Versions.Should().Equal(
            new VersionTraffic(3, Variants.Production, 100, 0, 50.5, 95.05), new VersionTraffic(4, Variants.Challenger, 4, 3, 0.5, 0.5),
            new VersionTraffic(5, Variants.Shadow, 1, 1, null, null));
    }

    [Fact]
    public void Of_more_rows_than_are_read_it_says_from_when_on_they_are()
    {
        using var session = duckDb.Open(default);
        var file = Write(session, [Line(1800, 3, Variants.Production, 1), Line(1830.5, 3, Variants.Production, 1)], isCompacted: false);

        LiveTraffic.Of(session, new LoggedFiles([file], 2, IsWhole: false), Hour).From.Should().Be(Start.AddSeconds(1800));
        LiveTraffic.Of(session, new LoggedFiles([file], 0, IsWhole: false), Hour with { From = Start.AddMinutes(40) }).Versions.Should().BeEmpty();
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static LiveWindow Hour => new(3, Start, Start.AddHours(1));

    private string Write(DuckDbSession session, string[] lines, bool isCompacted)
    {
        var file = Path.Combine(folder.FullName, "0.jsonl");
        File.WriteAllLines(file, lines);
        if (!isCompacted)
        {
            return file;
        }
        var compacted = Path.Combine(folder.FullName, "1" + LoggedSql.FileExtension);
        session.Copy(LoggedSql.Compacted([file]), compacted);
        return compacted;
    }

    private static string Line(double second, int version, string variant, double ms, bool isFailed = false) => string.Create(
        CultureInfo.InvariantCulture,
        $$$"""{"at":"{{{LoggedRow.TimeText(Start.AddSeconds(second))}}}","model":"m","version":{{{version}}},"variant":"{{{variant}}}","ms":{{{ms}}},"""
            + $$$"""{{{(isFailed ? "\"prediction\":null,\"failed\":true" : "\"prediction\":1.5")}}},"id":"i","features":{"a":1}}""");
}
