using Azure.Storage.Blobs;
using MlOps.Local.Cli;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary><c>doctor</c>, on embedded storage and on an account.</summary>
public sealed class DoctorCommandTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IDisposable
{
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-doctor-").FullName;

    private string Data => Path.Combine(folder, "data");

    [Fact]
    public async Task What_can_be_mended_in_an_account_is_told_mended_and_then_whole()
    {
        await using var host = new PipelineHost(azurite);
        var run = await host.RunAsync(Trips.Definition(Model, trees: 3), await Trips.WriteAsync(folder, rows: 200));
        var runs = host.Get<RunStore>();
        string[] doctor = ["doctor", "--storage", azurite.ConnectionString, "--data", Data];
        var whole = await LocalCommand.RunAsync(doctor);
        await runs.LogStageAsync(run.Run.RunId, new StageStatus("drift", "", StageState.Running), default);
        await runs.UpdateAsync(run.Run.RunId, row => row with { Version = null }, default);

        var told = await LocalCommand.RunAsync(doctor);
        var again = await LocalCommand.RunAsync(doctor);
        var mended = await LocalCommand.RunAsync([.. doctor, "--repair"]);
        var after = await LocalCommand.RunAsync(doctor);

        whole.Should().Be((ExitCode.Done, "Looked at models: 1, their versions: 1, dataset versions: 5, runs: 1. All is whole.", ""));
        told.ExitCode.Should().Be(ExitCode.Failed, told.Errors);
        told.Output.Split('\n').Should().BeEquivalentTo(
            $"broken runs/{run.Run.RunId}: It has ended, and a stage of it counts as running. --repair marks the stage as failed.",
            $"broken runs/{run.Run.RunId}: It registered version 1, and its row does not say so. --repair writes version 1 on it.",
            "Looked at models: 1, their versions: 1, dataset versions: 5, runs: 1. Broken: 2.");
        again.Should().Be(told, "only --repair changes anything");
        mended.ExitCode.Should().Be(ExitCode.Done, mended.Errors);
        mended.Output.Split('\n').Should().BeEquivalentTo(
            $"mended runs/{run.Run.RunId}: It has ended, and a stage of it counts as running. (marks the stage as failed)",
            $"mended runs/{run.Run.RunId}: It registered version 1, and its row does not say so. (writes version 1 on it)",
            whole.Output);
        after.Should().Be(whole);
        (await runs.FindAsync(run.Run.RunId, default))!.Version.Should().Be(1);
        Directory.Exists(Data).Should().BeFalse("the account is looked at, not the data folder");
    }

    [Fact]
    public async Task What_would_have_to_be_guessed_stays_broken_beside_a_host_and_without_one()
    {
        string[] doctor = ["doctor", "--data", Data];
        string missing;
        await using (var host = await EmbeddedHost.StartAsync(Data))
        {
            string[] train =
            [
                "train", await Trips.WriteAsync(folder, rows: 200), "--definition", await Trips.WriteDefinitionAsync(folder, Model, trees: 3), "--data", Data,
            ];
            (await LocalCommand.RunAsync(train)).ExitCode.Should().Be(ExitCode.Done);
            (await LocalCommand.RunAsync(doctor)).ExitCode.Should().Be(ExitCode.Done);
            var blobs = await BlobsOfAsync(host);
            missing = $"broken models/{Model}/1: Its file signature.json is not in artifacts/{blobs}. Restore a backup, or train it again.";
            await new BlobContainerClient(host.Connection.Storage, "artifacts").GetBlobClient($"{blobs}/signature.json").DeleteAsync();

            var beside = await LocalCommand.RunAsync(doctor);

            beside.ExitCode.Should().Be(ExitCode.Failed, beside.Errors);
            beside.Output.Should().Contain(missing).And.Contain("Broken: 1.");
        }
        var repair = await LocalCommand.RunAsync([.. doctor, "--repair"]);
        var without = await LocalCommand.RunAsync(doctor);

        (repair.ExitCode, without.ExitCode).Should().Be((ExitCode.Failed, ExitCode.Failed));
        repair.Output.Should().Contain(missing).And.NotContain("mended").And.NotContain("--repair");
        without.Output.Should().Contain(missing);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static async Task<string> BlobsOfAsync(EmbeddedHost host)
    {
        var storage = new MlOps.Pipeline.Data.PipelineStorage(new BlobServiceClient(host.Connection.Storage), new(host.Connection.Storage));
        return (await new ModelRegistry(storage, TimeProvider.System).GetAsync(Model, 1, default)).ModelBlobs;
    }
}
