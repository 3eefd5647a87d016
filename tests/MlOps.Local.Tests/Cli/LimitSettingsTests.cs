using System.Net;
using MlOps.Local.Storage;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>Limits as a person sets them for the program.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class LimitSettingsTests(AzuriteFixture azurite) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-limits-").FullName;

    [Fact]
    public async Task A_limit_that_is_none_stops_the_start_with_a_sentence()
    {
        await using var host = Start("many");

        (await host.ExitCodeAsync()).Should().Be(2);
        host.Errors.Should().Contain("The setting Limits__JsonBytes is 'many'; it must be a whole number from 1024 to 268435456.");
    }

    [Fact]
    public async Task A_limit_of_the_environment_is_the_host_s()
    {
        await using var host = Start("2048");
        await host.PrintedAsync("Serving on");
        using var http = new HttpClient { BaseAddress = new Uri(DataFolder.FindHost(folder)!.Url!) };

        using var refused = await http.PostAsync("/predict", new StringContent(new string(' ', 3000)));

        refused.StatusCode.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        (await refused.Content.ReadAsStringAsync()).Should().Contain("larger than 2,048 bytes").And.Contain("Limits__JsonBytes");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private LocalProcess Start(string limit) => LocalProcess.Start(
        new Dictionary<string, string?> { ["Limits__JsonBytes"] = limit }, "up", "--port", "0", "--data", folder, "--storage", azurite.ConnectionString);
}
