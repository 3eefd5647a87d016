using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class StoredTests
{
    private const string Earlier =
        """
        {"runId":"m-20260101000000000-abcdef","model":"m","state":"queued","definitionId":"m/1","source":"a.csv","trigger":"cli",
        "created":"2026-01-01T00:00:00Z"}
        """;

    [Fact]
    public void What_was_stored_before_there_were_numbers_is_read() =>
        Stored.Read<Run>(Earlier).Should().Match<Run>(run => run.Format == 1 && run.Model == "m");

    [Fact]
    public void What_is_stored_says_its_format() => Json.Write(Stored.Read<Run>(Earlier)).Should().Contain("\"format\":1");

    [Theory]
    [InlineData("""{"format":2,""")]
    [InlineData("""{"format":7,"what":"later releases know",""")]
    public void What_a_later_release_stored_is_refused_with_what_to_do(string start)
    {
        var act = () => Stored.Read<Run>(start + Earlier[1..]);

        act.Should().Throw<InputException>().WithMessage("This run was stored by a later release (format * Update this host to that release.");
    }

    [Fact]
    public void What_a_later_release_laid_out_in_another_way_is_refused_by_its_number_and_not_half_read()
    {
        var act = () => Stored.Read<Run>("""{"format":3,"model":{"name":"m"}}""");

        act.Should().Throw<InputException>().WithMessage("*format 3*");
    }
}
