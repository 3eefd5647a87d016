using MlOps.Local.Tests.Processes;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary><c>backup</c> of a host that works, and <c>restore</c> elsewhere.</summary>
public sealed class BackupTests : IDisposable
{
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-backup-").FullName;

    [Fact]
    public async Task A_backup_under_load_holds_what_was_answered_before_it_began()
    {
        var answered = new Acknowledged();
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (var host = await EmbeddedHost.StartAsync(Data))
        {
            await host.DeclareAsync(Trips.Definition(Model, trees: 1));
            await host.UploadAsync(Model, "may.csv", await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200)));
            var run = await host.RunAsync(Model, "may.csv");
            await host.EndOfAsync(run);
            answered.See(await host.GetAsync($"/runs/{run}"));
            answered.Runs.GetOrAdd(await host.RunAsync(Model, "may.csv"), _ => new());
            foreach (var number in Enumerable.Range(1, 10))
            {
                var stored = await host.UploadAsync("files", $"{number}.bin", [.. Enumerable.Repeat((byte)number, 1_000 * number)]);
                answered.Files[$"files/{number}.bin"] = stored.GetProperty("sha256").GetString()!;
            }
            using var stop = new CancellationTokenSource();
            var load = LoadAsync(host, stop.Token);

            var written = await LocalCommand.RunAsync("backup", backup, "--data", Data);
            var again = await LocalCommand.RunAsync("backup", backup, "--data", Data);
            await stop.CancelAsync();
            await load;

            written.ExitCode.Should().Be(0, written.Errors);
            (again.ExitCode, again.Errors).Should().Be((2, $"There is a file {backup} already: name another one."));
        }
        var elsewhere = Path.Combine(folder, "elsewhere");
        var restored = await LocalCommand.RunAsync("restore", backup, "--data", elsewhere);

        restored.ExitCode.Should().Be(0, restored.Errors);
        await using var next = await EmbeddedHost.StartAsync(elsewhere);
        await answered.AssertKeptAsync(next, Model, "it was answered before the backup began");
        foreach (var run in answered.Runs.Keys)
        {
            (await next.EndOfAsync(run)).GetProperty("state").GetString().Should().BeOneOf("succeeded", "blocked");
        }
    }

    [Fact]
    public async Task Storage_that_is_there_is_only_moved_aside_and_only_when_asked()
    {
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (await EmbeddedHost.StartAsync(Data))
        {
            (await LocalCommand.RunAsync("backup", backup, "--data", Data)).ExitCode.Should().Be(0);
            var inUse = await LocalCommand.RunAsync("restore", backup, "--force", "--data", Data);
            inUse.ExitCode.Should().Be(2);
            inUse.Errors.Should().StartWith($"The data folder {Data} is in use by another process");
        }

        var refused = await LocalCommand.RunAsync("restore", backup, "--data", Data);
        var forced = await LocalCommand.RunAsync("restore", backup, "--force", "--data", Data);

        refused.ExitCode.Should().Be(2);
        refused.Errors.Should().StartWith($"{Path.Combine(Data, "azurite")} is not empty: ");
        forced.ExitCode.Should().Be(0, forced.Errors);
        Directory.GetDirectories(Data, "azurite-before-*").Should().ContainSingle();
        Directory.GetDirectories(Data, "azurite-restoring-*").Should().BeEmpty();
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.98)]
    public async Task A_backup_that_is_not_whole_changes_nothing(double kept)
    {
        var backup = Path.Combine(folder, "backup.tar.gz");
        await using (await EmbeddedHost.StartAsync(Data))
        {
            (await LocalCommand.RunAsync("backup", backup, "--data", Data)).ExitCode.Should().Be(0);
        }
        using (var file = File.OpenWrite(backup))
        {
            file.SetLength((long)(file.Length * kept));
        }
        var elsewhere = Path.Combine(folder, "elsewhere");

        var restored = await LocalCommand.RunAsync("restore", backup, "--data", elsewhere);

        restored.ExitCode.Should().Be(2);
        restored.Errors.Should().Match($"The backup {backup} cannot be restored: * Nothing was changed.");
        Directory.GetDirectories(elsewhere).Should().BeEmpty();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Data => Path.Combine(folder, "data");

    private static async Task LoadAsync(EmbeddedHost host, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            await host.UploadAsync("load", $"{number % 20}.bin", new byte[5_000]);
        }
    }
}
