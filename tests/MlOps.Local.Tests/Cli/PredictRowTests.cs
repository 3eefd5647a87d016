using MlOps.Local.Cli;
using MlOps.Local.Storage;

namespace MlOps.Local.Tests.Cli;

public sealed class PredictRowTests
{
    [Fact]
    public void Values_that_are_JSON_are_meant_as_such_and_others_are_text() =>
        PredictCommand.Row(null, ["a=1.5", "b=true", "c=CITY", "d=\"7\"", "e=2026-03-03", "f=x=y", "g="]).ToJsonString()
            .Should().Be("""{"a":1.5,"b":true,"c":"CITY","d":"7","e":"2026-03-03","f":"x=y","g":""}""");

    [Fact]
    public void Pairs_complete_what_is_given_as_JSON() =>
        PredictCommand.Row("""{"a": 1, "b": null}""", ["a=2"]).ToJsonString().Should().Be("""{"a":2,"b":null}""");

    [Theory]
    [InlineData("[1]")]
    [InlineData("{")]
    public void Features_that_are_no_object_are_refused(string features)
    {
        var row = () => PredictCommand.Row(features, []);

        row.Should().Throw<EnvironmentProblemException>();
    }
}
