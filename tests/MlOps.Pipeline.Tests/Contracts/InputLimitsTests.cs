using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class InputLimitsTests
{
    public static TheoryData<string> Names => [.. typeof(InputLimits).GetProperties().Select(limit => limit.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_limit_is_a_setting(string name)
    {
        var limit = typeof(InputLimits).GetProperty(name)!;
        var usual = Convert.ToInt64(limit.GetValue(new InputLimits()));

        Convert.ToInt64(limit.GetValue(Read(name, null))).Should().Be(usual);
        Convert.ToInt64(limit.GetValue(Read(name, $"{usual - 1}"))).Should().Be(usual - 1);
    }

    [Theory]
    [InlineData("many")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("1e9")]
    [InlineData("99999999999999999999999")]
    public void A_limit_that_is_none_is_refused_by_its_name(string text) => FluentActions.Invoking(() => Read("Columns", text))
        .Should().Throw<InputException>().WithMessage($"The setting Limits__Columns is '{text}'; it must be a whole number from 1 to 1000000.");

    private static InputLimits Read(string name, string? text) =>
        InputLimits.Read(new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create($"Limits:{name}", text)]).Build());
}
