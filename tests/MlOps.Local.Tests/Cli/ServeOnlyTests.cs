using System.Net;
using System.Net.Http.Json;
using MlOps.Local.Storage;
using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>A host that serves what another host trained on the same storage, as replicas of a container do.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ServeOnlyTests(AzuriteFixture azurite) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-serve-").FullName;
    private readonly HttpClient http = new();

    [Fact]
    public async Task A_host_that_only_serves_predicts_and_takes_no_orders()
    {
        var model = AzuriteFixture.UniqueModel("served");
        var file = await Trips.WriteAsync(folder, rows: 400);
        var train = await LocalCommand.RunAsync(
            "train", file, "--definition", await Trips.WriteDefinitionAsync(folder, model),
            "--data", Path.Combine(folder, "train"), "--storage", azurite.ConnectionString);
        train.ExitCode.Should().Be(0, train.Errors);
        await using var host = LocalProcess.Start(
            "up", "--serve-only", "--listen", "0.0.0.0", "--insecure", "--port", "0", "--data", Path.Combine(folder, "serve"),
            "--storage", azurite.ConnectionString);
        await host.PrintedAsync("Serving on");
        http.BaseAddress = new UriBuilder(DataFolder.FindHost(Path.Combine(folder, "serve"))!.Url!) { Host = "127.0.0.1" }.Uri;

        var features = new
        {
            vendor = "CITY",
            passengers = 2,
            distance_km = 5.5,
            duration_min = 17,
            payment = "card",
            airport = false,
        };
        var row = new { model, features };
        using var predicted = await http.PostAsJsonAsync("/predict", row);
        using var health = await http.GetAsync("/health");
        using var run = await http.PostAsync($"/pipelines/{model}/runs", content: null);
        using var rollback = await http.PostAsync($"/models/{model}/rollback", content: null);
        using var upload = await http.PutAsync($"/raw/{model}/may.csv", new StringContent("a,b\n1,2\n"));

        predicted.StatusCode.Should().Be(HttpStatusCode.OK, await predicted.Content.ReadAsStringAsync());
        health.StatusCode.Should().Be(HttpStatusCode.OK);
        new[] { run, rollback, upload }.Should().OnlyContain(answer => answer.StatusCode == HttpStatusCode.Forbidden);
        (await run.Content.ReadAsStringAsync()).Should().Contain("only serves predictions");
        (await azurite.NewStorage().Raw.GetBlobClient($"{model}/may.csv").ExistsAsync()).Value.Should().BeFalse("nothing of a refused upload is stored");
    }

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
