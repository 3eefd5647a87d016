using MlOps.Testing;

namespace MlOps.Local.Tests.Processes;

/// <summary>Kills host and embedded storage at once, so that neither can save anything.</summary>
public sealed class EmbeddedKillTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-killed-").FullName;

    private string Data => Path.Combine(folder, "data");

    [UnixFact]
    public async Task A_run_that_was_accepted_outlives_host_and_storage_and_ends_well()
    {
        string run;
        await using (var killed = await EmbeddedHost.StartAsync(Data))
        {
            await killed.DeclareAsync(Trips.Definition("trips"));
            await killed.UploadAsync("trips", "may.csv", await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200)));
            run = await killed.RunAsync("trips", "may.csv");
            await killed.KillAsync(Victims.Both);
        }

        await using var next = await EmbeddedHost.StartAsync(Data);
        var ended = await next.EndOfAsync(run);

        ended.GetProperty("state").GetString().Should().Be("succeeded", ended.ToString());
        (await next.GetAsync("/models/trips")).GetProperty("aliases").GetProperty("production").GetInt32().Should().Be(1);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
