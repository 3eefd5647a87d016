using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Tests.Monitoring;

public sealed class LoggedRowTests
{
    [Theory]
    [InlineData("2026-11-29T13:50:27.1234567Z", "2026-11-29T13:50:27.123456Z")]
    [InlineData("2026-11-29T13:50:27.9999999Z", "2026-11-29T13:50:27.999999Z")]
    [InlineData("2026-11-29T13:50:27Z", "2026-11-29T13:50:27.000000Z")]
    [InlineData("2026-01-01T00:30:00.5+02:00", "2025-12-31T22:30:00.500000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    public void Times_stand_in_lines_to_the_microsecond_in_UTC(string time, string expected) =>
        LoggedRow.TimeText(DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture)).Should().Be(expected);
}
