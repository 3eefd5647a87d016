using MlOps.Local.Cli;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

public sealed class ProgramVersionTests
{
    [Theory]
    [InlineData("1.2.3+0befd20970bbee506dc4984a08ab0432a488fa17", "mlops 1.2.3, commit 0befd20970bbee506dc4984a08ab0432a488fa17")]
    [InlineData("0.1.0-dev", "mlops 0.1.0-dev, commit unknown")]
    public void Version_and_commit_are_told_apart(string informational, string told) => ProgramVersion.Parse(informational).ToString().Should().Be(told);

    [Fact]
    public async Task The_program_names_its_version_and_commit_in_one_line()
    {
        var (exitCode, output, errors) = await LocalProcess.RunAsync("--version");

        (exitCode, errors).Should().Be((0, ""));
        output.Should().MatchRegex(@"^mlops \d+\.\d+\.\d+\S*, commit ([0-9a-f]{40}|unknown)$");
    }
}
