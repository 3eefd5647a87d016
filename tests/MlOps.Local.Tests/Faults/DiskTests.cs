using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Faults;

/// <summary>Disks that are full, and disks that cannot be written: real ones, mounted for the test.</summary>
public sealed class DiskTests : IDisposable
{
    private const string Model = "trips";

    private static readonly object Row = new { vendor = "CITY", passengers = 2, distance_km = 5.5, duration_min = 17, payment = "card", airport = false };

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-disk-").FullName;

    [MountFact]
    public async Task On_a_full_disk_what_was_answered_stays_and_the_host_goes_on_when_there_is_room_again()
    {
        using var disk = MountedFolder.Small(megabytes: 64);
        var data = Path.Combine(disk.Path, "data");
        var table = await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200));
        var kept = new Dictionary<string, string>();
        await using (var host = await EmbeddedHost.StartAsync(data))
        {
            await host.DeclareAsync(Trips.Definition(Model, trees: 1));
            await UploadAsync(host, "files", kept, 100_000);
            await host.UploadAsync(Model, "may.csv", table);
            await host.EndOfAsync(await host.RunAsync(Model, "may.csv"));
            var prediction = (await PredictAsync(host)).GetProperty("prediction").GetDouble();
            var run = await host.RunAsync(Model, "may.csv");
            await host.UploadAsync(Model, "april.csv", table);

            disk.Fill();
            using var impatient = new CancellationTokenSource();
            var upload = host.Http.PutAsync("/raw/files/never.bin", new ByteArrayContent(new byte[100_000]), impatient.Token);
            var answered = await DeclareUntilRefusedAsync(host);
            (upload.IsCompletedSuccessfully && (await upload).IsSuccessStatusCode).Should().BeFalse("there is no room for it");
            await impatient.CancelAsync();
            (await PredictAsync(host)).GetProperty("prediction").GetDouble().Should().Be(prediction, "a loaded model needs no disk");
            disk.Free();

            await Eventually.IsTrueAsync(async () => (await host.Http.GetAsync(new Uri("/health", UriKind.Relative))).IsSuccessStatusCode, () => host.Errors);
            await UploadAsync(host, "files", kept, 100_000);
            await host.DeclareAsync(Trips.Definition("other"));
            await host.UploadAsync(Model, "june.csv", table);
            foreach (var model in answered)
            {
                await host.GetAsync($"/pipelines/{model}");
            }
            $"{host.Output}\n{host.Errors}".Should().Contain("requests are dropped until it can be").And.Contain("It can be written again.");
            (await host.EndOfAsync(run)).GetProperty("state").GetString().Should().BeOneOf("succeeded", "blocked");
            // What a person trains on, may.csv, starts no run of its own.
            await AssertDroppedFilesAsync(host, "april.csv", "june.csv");
            foreach (var (name, hash) in kept)
            {
                (await HashAsync(host, name)).Should().Be(hash);
            }
        }
        await AssertSoundAsync(data);
    }

    [MountFact]
    public async Task A_data_folder_that_cannot_be_written_is_told_and_nothing_in_it_is_changed()
    {
        var data = Path.Combine(folder, "data");
        await using (var host = await EmbeddedHost.StartAsync(data))
        {
            await host.DeclareAsync(Trips.Definition(Model));
        }
        using var disk = MountedFolder.ReadOnly(data);

        var (code, _, errors) = await LocalProcess.RunAsync("up", "--port", "0", "--data", disk.Path);
        var fresh = await LocalProcess.RunAsync("up", "--port", "0", "--data", Path.Combine(disk.Path, "new"));

        code.Should().Be(ExitCode.Usage);
        errors.Should().Be($"The data folder {disk.Path} cannot be written: Read-only file system : '{Path.Combine(disk.Path, "host.lock")}' Name another one "
            + "with --data.");
        (fresh.ExitCode, fresh.Errors.Contains("Name another one with --data.", StringComparison.Ordinal)).Should().Be((ExitCode.Usage, true), fresh.Errors);
        await AssertSoundAsync(data);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Task<JsonElement> PredictAsync(EmbeddedHost host) =>
        host.SendAsync(HttpMethod.Post, "/predict", JsonContent.Create(new { model = Model, features = Row }));

    /// <summary>The last page of a file may still take something small. Returns the models whose definitions were stored.</summary>
    private static async Task<IReadOnlyList<string>> DeclareUntilRefusedAsync(EmbeddedHost host)
    {
        for (var stored = new List<string>(); stored.Count < 50;)
        {
            var model = $"filler-{stored.Count}";
            try
            {
                await host.DeclareAsync(Trips.Definition(model));
                stored.Add(model);
            }
            catch (HttpRequestException refused)
            {
                refused.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
                return stored;
            }
        }
        throw new InvalidOperationException("The disk is full, and takes whatever comes.");
    }

    private static async Task UploadAsync(EmbeddedHost host, string model, Dictionary<string, string> kept, int bytes)
    {
        var (name, content) = ($"{Guid.NewGuid():N}.bin", RandomNumberGenerator.GetBytes(bytes));
        await host.UploadAsync(model, name, content);
        kept[$"{model}/{name}"] = Convert.ToHexStringLower(SHA256.HashData(content));
    }

    private static async Task<string> HashAsync(EmbeddedHost host, string name)
    {
        var raw = new Azure.Storage.Blobs.BlobContainerClient(host.Connection.Storage, "raw");
        return Convert.ToHexStringLower(SHA256.HashData((await raw.GetBlobClient(name).DownloadContentAsync()).Value.Content));
    }

    /// <summary>The files that were dropped are all ingested, and none is in quarantine.</summary>
    private static async Task AssertDroppedFilesAsync(EmbeddedHost host, params string[] files)
    {
        List<string> states = [];
        var sources = files.Select(file => $"raw/{Model}/{file}").ToHashSet(StringComparer.Ordinal);
        await Eventually.IsTrueAsync(
            async () =>
            {
                var all = (await host.GetAsync($"/runs?model={Model}")).GetProperty("runs").EnumerateArray();
                states =
                [
                    .. all.Where(run => run.GetProperty("trigger").GetString() == "file" && sources.Contains(run.GetProperty("source").GetString()!))
                        .Select(run => run.GetProperty("state").GetString()!),
                ];
                return states.Count(state => state is not ("queued" or "running")) == files.Length;
            },
            () => string.Join(", ", states), TimeSpan.FromSeconds(60));
        states.Should().OnlyContain(state => state == "succeeded");
        var quarantine = new Azure.Storage.Blobs.BlobContainerClient(host.Connection.Storage, "quarantine");
        (await quarantine.GetBlobsAsync().ToListAsync()).Should().BeEmpty();
    }

    private static async Task AssertSoundAsync(string data)
    {
        var doctor = await LocalProcess.RunAsync("doctor", "--data", data);
        doctor.ExitCode.Should().Be(ExitCode.Done, doctor.Output + doctor.Errors);
    }
}
