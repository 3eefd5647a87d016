using System.Text.Json;

namespace MlOps.Functions.Tests;

/// <summary>The files that the host reads beside the app.</summary>
public sealed class HostFileTests
{
    [Fact]
    public void The_routes_have_no_prefix_and_instances_that_run_are_not_replaced()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")));
        var extensions = host.RootElement.GetProperty("extensions");

        extensions.GetProperty("http").GetProperty("routePrefix").GetString().Should().BeEmpty();
        extensions.GetProperty("durableTask").GetProperty("overridableExistingInstanceStates").GetString().Should().Be("NonRunningStates");
        extensions.GetProperty("durableTask").GetProperty("maxConcurrentActivityFunctions").GetInt32().Should()
            .BeLessThanOrEqualTo(4, "each may hold a table's features in memory");
    }
}
