using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs.Specialized;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

public sealed class DemoTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-demo-").FullName;

    [Fact]
    public async Task The_demo_trains_serves_and_predicts_and_a_second_start_serves_what_is_there()
    {
        string[] once = ["demo", "--once", "--port", "0", "--data", folder];

        var first = await LocalProcess.RunAsync(once);
        var second = await LocalProcess.RunAsync(once);

        first.ExitCode.Should().Be(0, first.Errors);
        first.Output.Should().Contain("Model trips, version 1: promoted to production.").And.Contain("\"prediction\":").And.Contain("/openapi.json");
        first.Errors.Should().BeEmpty();
        second.ExitCode.Should().Be(0, second.Errors);
        second.Output.Should().Contain("version 1, is in production from an earlier start").And.NotContain("ingest");
        PredictionOf(second.Output).Should().Be(PredictionOf(first.Output));
    }

    [UnixFact]
    public async Task Without_a_verb_the_demo_starts_and_a_signal_ends_it_with_its_storage()
    {
        await using var demo = LocalProcess.Start("--port", "0", "--data", folder);
        await demo.PrintedAsync("Ctrl+C stops everything.");
        var written = await File.ReadAllTextAsync(Path.Combine(folder, "azurite", "azurite.pid"));
        var storage = int.Parse(written.Split(' ')[0], CultureInfo.InvariantCulture);

        await demo.SignalAsync("INT");

        (await demo.ExitCodeAsync()).Should().Be(0, demo.Errors);
        var find = () => Process.GetProcessById(storage);
        find.Should().Throw<ArgumentException>("storage ends with its host");
        File.Exists(Path.Combine(folder, "host.json")).Should().BeFalse();
    }

    [Fact]
    public async Task A_demo_that_was_killed_goes_on_with_its_run()
    {
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        string[] once = ["demo", "--once", "--port", "0", "--data", folder, "--storage", proxy.ConnectionString];
        var inside = proxy.HoldInsideAsync("train");
        await using (var killed = LocalProcess.Start(once))
        {
            await inside;
            await killed.KillAsync();
        }
        proxy.LetGo();
        await BreakLeasesAsync();

        var next = await LocalProcess.RunAsync(once);
        var runs = await LocalProcess.RunAsync("runs", "--data", folder, "--storage", azurite.ConnectionString);

        next.ExitCode.Should().Be(0, next.Errors);
        next.Output.Should().Contain("version 1: promoted");
        runs.Output.Split("trips-").Should().HaveCount(2, "there is one run");
        var store = new RunStore(azurite.NewStorage(), TimeProvider.System);
        var run = (await store.FindDetailsAsync((await store.ListAsync("trips", 1, null, default)).Items[0].RunId, default))!;
        var told = run.Stages.SelectMany(stage => stage.Warnings ?? []).ToList();
        told.Should().Contain(warning => warning.Headline).And.Contain(warning => !warning.Headline);
        next.Output.Split('\n').Should().Contain(told.Select(warning => $"{(warning.Headline ? "Warning:" : "note")} {warning.Text}"));
    }

    /// <summary>What the dead host held would be free in half a minute.</summary>
    private async Task BreakLeasesAsync()
    {
        var leases = azurite.NewStorage().Leases;
        await foreach (var blob in leases.GetBlobsAsync())
        {
            await leases.GetBlobClient(blob.Name).GetBlobLeaseClient().BreakAsync(TimeSpan.Zero);
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Each answer has an id of its own.</summary>
    private static string PredictionOf(string output) => Regex.Replace(
        output.Split('\n').Single(line => line.TrimStart().StartsWith("{\"prediction\":", StringComparison.Ordinal)), "\"id\":\"[0-9a-f-]{36}\"", "");
}
