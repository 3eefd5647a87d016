using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>What is damaged and what nothing reaches, from the command line. On a storage of its own, of which all is collected.</summary>
public sealed class DataCareTests : IAsyncLifetime
{
    private readonly AzuriteFixture azurite = new();
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-care-").FullName;

    private BlobContainerClient Datasets => new(azurite.ConnectionString, "datasets");

    public Task InitializeAsync() => azurite.InitializeAsync();

    public async Task DisposeAsync()
    {
        await azurite.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_version_that_was_damaged_is_named_and_the_command_fails()
    {
        await IngestAsync("trips", rows: 50);
        (await RunAsync("data", "verify")).Should().Be((ExitCode.Done, "1 versions read, all as they were written."));
        var part = await Datasets.GetBlobsAsync().FirstAsync(blob => blob.Name.EndsWith(".parquet", StringComparison.Ordinal));
        var content = (await Datasets.GetBlobClient(part.Name).DownloadContentAsync()).Value.Content.ToArray();
        content[content.Length / 2] ^= 1;
        await Datasets.GetBlobClient(part.Name).UploadAsync(BinaryData.FromBytes(content), overwrite: true);

        var (code, output) = await RunAsync("data", "verify");

        code.Should().Be(ExitCode.Failed);
        output.ReplaceLineEndings(" ").Should().StartWith($"damaged datasets/{part.Name.Split('/')[0]}: Its part {part.Name.Split('/')[1]} has other bytes")
            .And.EndWith("1 faults in 1 versions.");
    }

    [FaketimeFact]
    public async Task What_nothing_reaches_is_deleted_after_a_day_where_that_is_said_and_the_rest_stays()
    {
        var run = await IngestAsync("trips", rows: 50);
        await IngestAsync("other", rows: 60);
        (await RunAsync("delete", "run", run)).ExitCode.Should().Be(ExitCode.Done);
        (await RunAsync("data", "gc", "--delete")).Output.Should().Contain("0 bytes in 0 folders deleted", "it is younger than a day");
        var before = await SizesAsync();

        var told = await LaterAsync("data", "gc");
        var untouched = await SizesAsync();
        var deleted = await LaterAsync("data", "gc", "--delete");

        told.Should().MatchRegex("[1-9][0-9,]* bytes in 1 folders would be deleted");
        untouched.Should().Equal(before);
        deleted.Should().MatchRegex("[1-9][0-9,]* bytes in 1 folders deleted");
        var left = await SizesAsync();
        left.Should().ContainSingle().Which.Should().Match<KeyValuePair<string, long>>(version => before[version.Key] == version.Value);
        (await RunAsync("data", "checkout", "other@latest", "--out", Path.Combine(folder, "out"))).ExitCode.Should().Be(ExitCode.Done);
        (await File.ReadAllLinesAsync(Path.Combine(folder, "out", "other-raw.csv"))).Should().HaveCount(61);
    }

    /// <summary>Reads a table, and trains nothing.</summary>
    private async Task<string> IngestAsync(string model, int rows)
    {
        await using var host = new PipelineHost(azurite);
        await host.Get<DefinitionStore>().PutAsync(Trips.Definition(model), default);
        await host.Storage.Raw.GetBlobClient($"{model}/a.csv").UploadAsync(await Trips.WriteAsync(folder, rows));
        var request = new RunRequest(model, $"raw/{model}/a.csv", "test") { Goal = RunGoal.Dataset };
        return (await host.Get<RunStarter>().StartAsync(request, default)).RunId;
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] command)
    {
        var (code, output, _) = await LocalCommand.RunAsync([.. command, "--storage", azurite.ConnectionString]);
        return (code, output);
    }

    private async Task<string> LaterAsync(params string[] command)
    {
        await using var process = LocalProcess.Start(FakedClock.Ahead(TimeSpan.FromDays(2)), [.. command, "--storage", azurite.ConnectionString]);
        (await process.ExitCodeAsync()).Should().Be(ExitCode.Done, process.Errors);
        return process.Output;
    }

    /// <summary>Bytes by version.</summary>
    private async Task<IReadOnlyDictionary<string, long>> SizesAsync() =>
        (await Datasets.GetBlobsAsync().ToListAsync<BlobItem>()).GroupBy(blob => blob.Name.Split('/')[0])
            .ToDictionary(version => version.Key, version => version.Sum(blob => blob.Properties.ContentLength!.Value));
}
