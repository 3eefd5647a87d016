using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Azure;
using Azure.Data.Tables;
using MlOps.Local.Storage;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Storage;

/// <summary>What embedded storage has answered outlives its own kill, and a damaged journal is not taken for a whole one.</summary>
public sealed class JournalTests(ITestOutputHelper output) : IDisposable
{
    private const int FewBytes = 20_000;

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-journal-").FullName;
    private readonly ConcurrentQueue<string> said = new();

    [Theory]
    [InlineData(16 << 20)]
    [InlineData(FewBytes)]
    public async Task Whatever_clients_did_is_there_after_a_kill(int segmentBytes)
    {
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}");
        var work = new RandomStorageWork(new Random(seed));
        var before = new List<string>();
        for (var kills = 0; kills < 3; kills++)
        {
            await using var azurite = await StartAsync(new JournalOptions { SegmentBytes = segmentBytes });
            (await StoredState.ReadAsync(azurite.ConnectionString)).Should().Equal(before, "seed {0}", seed);
            await work.DoAsync(azurite.ConnectionString, steps: 60);
            before = await StoredState.ReadAsync(azurite.ConnectionString);
            await KillAsync(azurite);
        }

        await using var last = await StartAsync();
        (await StoredState.ReadAsync(last.ConnectionString)).Should().Equal(before, "seed {0}", seed);
        said.Where(line => line.Contains("journal", StringComparison.Ordinal)).Should().BeEmpty();
    }

    [Fact]
    public async Task The_journal_is_cut_and_its_past_deleted_while_clients_write_and_nothing_is_lost()
    {
        var answered = new ConcurrentDictionary<string, int>();
        for (var kills = 0; kills < 2; kills++)
        {
            await using var azurite = await StartAsync(new JournalOptions { SegmentBytes = FewBytes });
            using var stop = new CancellationTokenSource();
            var writers = Enumerable.Range(0, 4).Select(writer => WriteAsync(azurite, $"{kills}-{writer}", answered, stop.Token)).ToList();
            await Eventually.IsTrueAsync(() => Journal().Length > 0);
            var first = Journal()[0];
            await Eventually.IsTrueAsync(() => Journal() is [var oldest, ..] && string.CompareOrdinal(oldest, first) > 0);
            await KillAsync(azurite);
            await stop.CancelAsync();
            await Task.WhenAll(writers);
        }

        await using (var last = await StartAsync())
        {
            var kept = await new TableClient(last.ConnectionString, "kept").QueryAsync<TableEntity>()
                .ToDictionaryAsync(row => row.RowKey, row => row.GetInt32("Value")!.Value);
            answered.Should().NotBeEmpty().And.OnlyContain(row => kept.ContainsKey(row.Key) && kept[row.Key] >= row.Value);
        }
        Journal().Should().BeEmpty("all databases were saved at the end");
    }

    [Theory]
    [InlineData("half a rec")]
    [InlineData("\0\0\0\0\0\0\0\0\0\n\0\0")]
    [InlineData("00000000 [{\"db\":\"__azurite_db_table__.json\",\"coll\":\"$TABLES_COLLECTION$\",\"id\":1,\"doc\":null}]\n")]
    public async Task A_torn_end_is_cut_off_and_told(string torn)
    {
        var before = await KilledWithRowsAsync();
        var bytes = new FileInfo(Journal().Single()).Length;
        await File.AppendAllTextAsync(Journal().Single(), torn);

        await using var azurite = await StartAsync();

        said.Should().ContainMatch($"The last {torn.Length} bytes of {folder}*journal-*.log are no whole record*were cut off.*");
        (await StoredState.ReadAsync(azurite.ConnectionString)).Should().Equal(before);
        bytes.Should().BePositive();
    }

    [Fact]
    public async Task A_batch_is_there_whole_or_not_at_all()
    {
        var before = await KilledWithRowsAsync();
        await using (var azurite = await StartAsync())
        {
            var rows = Enumerable.Range(0, 50).Select(number => new TableEntity("p", $"batch{number}"))
                .Select(row => new TableTransactionAction(TableTransactionActionType.Add, row));
            await new TableClient(azurite.ConnectionString, "kept").SubmitTransactionAsync(rows);
            await KillAsync(azurite);
        }
        using (var file = File.OpenWrite(Journal()[^1]))
        {
            file.SetLength(file.Length - 1_000);
        }

        await using var next = await StartAsync();

        (await StoredState.ReadAsync(next.ConnectionString)).Should().Equal(before);
    }

    [Fact]
    public async Task Damage_before_whole_records_stops_the_start_and_says_where()
    {
        await KilledWithRowsAsync();
        var file = Journal().Single();
        var bytes = await File.ReadAllBytesAsync(file);
        var second = Array.IndexOf(bytes, (byte)'\n') + 1;
        bytes[second + 40] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        var start = () => StartAsync();

        (await start.Should().ThrowAsync<EnvironmentProblemException>())
            .WithMessage($"The journal of embedded storage is damaged: {file}, byte {second}. Restore a backup of {folder}. Or move its journal-*.log files *");
        (await File.ReadAllBytesAsync(file)).Should().Equal(bytes, "the damage is for a person to look at");
    }

    [Fact]
    public async Task Without_its_damaged_journal_storage_starts_as_it_was_last_saved()
    {
        await using (var azurite = await StartAsync())
        {
            await new TableClient(azurite.ConnectionString, "saved").CreateAsync();
        }
        await KilledWithRowsAsync();
        foreach (var file in Journal())
        {
            File.Delete(file);
        }

        await using var next = await StartAsync();

        (await StoredState.ReadAsync(next.ConnectionString)).Should().Equal("table saved");
    }

    [Fact]
    public async Task A_segment_that_is_missing_stops_the_start()
    {
        await KilledWithRowsAsync();
        var file = Journal().Single();
        var number = int.Parse(Regex.Match(file, @"(\d+)\.log$").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        File.Copy(file, Path.Combine(folder, $"journal-{number + 2:00000000}.log"));

        var start = () => StartAsync();

        (await start.Should().ThrowAsync<EnvironmentProblemException>()).WithMessage($"*is damaged: *journal-{number + 1:00000000}.log is missing.*");
    }

    [Fact]
    public async Task A_journal_without_the_database_that_it_goes_on_from_stops_the_start()
    {
        await KilledWithRowsAsync();
        File.Delete(Tables);

        var start = () => StartAsync();

        (await start.Should().ThrowAsync<EnvironmentProblemException>()).WithMessage($"{Tables} is missing, and the journal beside it goes on from it.*");
    }

    [Fact]
    public async Task A_database_that_was_saved_past_the_journal_by_another_release_stops_the_start()
    {
        await KilledWithRowsAsync();
        await ForgetJournalAsync();

        var start = () => StartAsync();

        (await start.Should().ThrowAsync<EnvironmentProblemException>()).WithMessage($"{Tables} was saved by a release of mlops that knows no journal*");
    }

    [Fact]
    public async Task A_folder_of_a_release_without_journal_is_taken_over()
    {
        await using (var azurite = await StartAsync())
        {
            await new TableClient(azurite.ConnectionString, "old").CreateAsync();
        }
        await ForgetJournalAsync();
        var before = await KilledWithRowsAsync();

        await using var next = await StartAsync();

        (await StoredState.ReadAsync(next.ConnectionString)).Should().Equal(before).And.Contain("table old");
    }

    [Fact]
    public async Task What_the_disk_refuses_is_not_answered_until_it_can_be_written()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/prlimit"))
        {
            output.WriteLine("Not tested: there is no prlimit to make the disk refuse.");
            return;
        }
        await using (var azurite = await StartAsync())
        {
            var table = new TableClient(azurite.ConnectionString, "kept", new TableClientOptions { Retry = { MaxRetries = 0 } });
            await table.CreateAsync();
            await table.AddEntityAsync(new TableEntity("p", "before"));
            await LimitFilesAsync(azurite, $"{new FileInfo(Journal().Single()).Length + 100}:unlimited");

            var refused = () => table.AddEntityAsync(new TableEntity("p", "refused") { ["Text"] = new string('x', 1_000) });
            await refused.Should().ThrowAsync<RequestFailedException>();
            var read = () => table.GetEntityAsync<TableEntity>("p", "before");
            await read.Should().ThrowAsync<RequestFailedException>("nobody may see what could still be lost");
            await LimitFilesAsync(azurite, "unlimited:unlimited");
            await table.AddEntityAsync(new TableEntity("p", "after"));
            await KillAsync(azurite);
        }

        await using var next = await StartAsync();

        said.Should().ContainMatch("What changed cannot be written to *: requests are dropped until it can be.").And.Contain("It can be written again.");
        var rows = await new TableClient(next.ConnectionString, "kept").QueryAsync<TableEntity>().Select(row => row.RowKey).ToListAsync();
        rows.Should().Contain(["before", "after"]);
        said.Should().NotContainMatch("*no whole record*", "the half-written one was taken back");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_leaves_after_its_record_is_written_and_durably_after_the_disk_has_it(bool durable)
    {
        var trace = Path.Combine(folder, "trace");
        var preload = Path.Combine(folder, "preload.cjs");
        await File.WriteAllTextAsync(preload, $$"""
            const fs = require('node:fs');
            const { appendFileSync, writeSync, fdatasyncSync, fdatasync } = fs;
            const note = what => appendFileSync({{JsonValue.Create(trace).ToJsonString()}}, what + '\n');
            const isJournal = fd => fs.readlinkSync('/proc/self/fd/' + fd).includes('journal-');
            fs.writeSync = (fd, ...rest) => { if (isJournal(fd)) note('write'); return writeSync(fd, ...rest); };
            fs.fdatasyncSync = fd => { fdatasyncSync(fd); if (isJournal(fd)) note('sync'); };
            fs.fdatasync = (fd, done) => { const ours = isJournal(fd); fdatasync(fd, problem => { if (ours) note('sync later'); done(problem); }); };
            const { Socket } = require('node:net');
            const write = Socket.prototype.write;
            Socket.prototype.write = function (data, ...rest) { if (/^HTTP\/1.1 2/.test(data)) note('answer'); return write.call(this, data, ...rest); };
            """);
        if (!OperatingSystem.IsLinux())
        {
            output.WriteLine("Not tested: there is no /proc to see which file is written.");
            return;
        }
        Environment.SetEnvironmentVariable("NODE_OPTIONS", $"--require {preload}");
        try
        {
            await using var azurite = await StartAsync(new JournalOptions { Durable = durable });
            var table = new TableClient(azurite.ConnectionString, "kept");
            await table.CreateAsync();
            await File.WriteAllTextAsync(trace, "");
            for (var row = 0; row < 3; row++)
            {
                await table.AddEntityAsync(new TableEntity("p", $"{row}"));
            }
            await Eventually.IsTrueAsync(() => File.ReadAllText(trace).TrimEnd().EndsWith(durable ? "answer" : "sync later", StringComparison.Ordinal));
        }
        finally
        {
            Environment.SetEnvironmentVariable("NODE_OPTIONS", null);
        }

        var steps = (await File.ReadAllLinesAsync(trace)).SkipWhile(step => step != "write");
        var of = durable ? new[] { "write", "sync", "answer" } : ["write", "answer"];
        steps.Where(step => step != "sync later").Take(3 * of.Length).Should().Equal(of.Concat(of).Concat(of));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_disk_that_does_not_confirm_ends_storage_which_says_so_and_what_was_confirmed_is_there(bool durable)
    {
        var (preload, broken) = (Path.Combine(folder, "preload.cjs"), Path.Combine(folder, "broken"));
        await File.WriteAllTextAsync(preload, $$"""
            const fs = require('node:fs');
            const { existsSync, fdatasyncSync, fdatasync } = fs;
            const isBroken = () => existsSync({{JsonValue.Create(broken).ToJsonString()}});
            const problem = () => Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
            fs.fdatasyncSync = fd => { if (isBroken()) throw problem(); return fdatasyncSync(fd); };
            fs.fdatasync = (fd, done) => isBroken() ? setImmediate(done, problem()) : fdatasync(fd, done);
            """);
        Environment.SetEnvironmentVariable("NODE_OPTIONS", $"--require {preload}");
        try
        {
            await using var azurite = await StartAsync(new JournalOptions { Durable = durable });
            var table = new TableClient(azurite.ConnectionString, "kept", new TableClientOptions { Retry = { MaxRetries = 0 } });
            await table.CreateAsync();
            await table.AddEntityAsync(new TableEntity("p", "before"));
            await File.WriteAllTextAsync(broken, "");

            var during = () => table.AddEntityAsync(new TableEntity("p", "during"));
            if (durable)
            {
                await during.Should().ThrowAsync<RequestFailedException>("the disk does not have it");
            }
            else
            {
                await during();
            }
            await azurite.Ended.WaitAsync(TimeSpan.FromSeconds(30));

            azurite.Problem.Should().Match("*journal-*.log cannot be brought to the disk: EIO: i/o error, fdatasync");
        }
        finally
        {
            Environment.SetEnvironmentVariable("NODE_OPTIONS", null);
        }

        await using var next = await StartAsync();
        var rows = await new TableClient(next.ConnectionString, "kept").QueryAsync<TableEntity>().Select(row => row.RowKey).ToListAsync();
        rows.Should().Contain("before");
    }

    [Fact]
    public async Task No_answer_leaves_in_the_middle_of_a_batch_and_one_that_broke_off_holds_up_nobody()
    {
        var script = """
            const http = require('node:http');
            const path = require('node:path');
            const [journal, modules, folder] = process.argv.slice(1);
            const TableStore = require(path.join(modules, 'azurite/dist/src/table/persistence/LokiTableMetadataStore.js')).default;
            TableStore.prototype.beginBatchTransaction = async () => {};
            TableStore.prototype.endBatchTransaction = async () => {};
            new (require(journal).Journal)({ folder, durable: false, segmentBytes: 1 << 20 }).attach(modules);
            const store = Object.create(TableStore.prototype);
            const server = http.createServer(async (request, response) => {
              store.beginBatchTransaction();
              if (request.url === '/ended') {
                await store.endBatchTransaction();
              } else if (request.url === '/broken-off') {
                await new Promise(done => setImmediate(done));
              }
              response.end('done');
            });
            const ask = url => new Promise(done => http.get({ port: server.address().port, path: url, agent: false }, answer => {
              answer.resume().on('end', () => done(answer.statusCode));
            }).on('error', problem => done(problem.code)));
            server.listen(0, '127.0.0.1', async () => {
              console.log([await ask('/open'), await ask('/ended'), await ask('/broken-off')].join(' '));
              process.exit(0);
            });
            """;
        var tools = await NodeTools.FindAsync(CancellationToken.None);
        var installed = await AzuriteInstaller.EnsureInstalledAsync(tools, said.Enqueue, CancellationToken.None);
        string[] arguments = ["-e", script, Path.Combine(AzuriteInstaller.Shipped, "journal.cjs"), Path.Combine(installed, "node_modules"), folder];
        using var node = Process.Start(new ProcessStartInfo(tools.Node, arguments) { RedirectStandardOutput = true })!;

        (await node.StandardOutput.ReadToEndAsync()).Trim().Should().Be("ECONNRESET 200 200");
    }

    [Fact]
    public async Task The_checksum_of_older_nodes_is_that_of_newer_ones()
    {
        var script = """
            const { slowCrc32 } = require(process.argv[1]);
            const bytes = require('node:crypto').randomBytes(5000);
            const known = slowCrc32()(Buffer.from('123456789')) === 0xcbf43926;
            const same = (require('node:zlib').crc32 ?? slowCrc32())(bytes) === slowCrc32()(bytes);
            console.log(known && same);
            """;
        var tools = await NodeTools.FindAsync(CancellationToken.None);
        using var node = Process.Start(new ProcessStartInfo(tools.Node, ["-e", script, Path.Combine(AzuriteInstaller.Shipped, "journal.cjs")])
        {
            RedirectStandardOutput = true,
        })!;

        (await node.StandardOutput.ReadToEndAsync()).Trim().Should().Be("true");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Tables => Path.Combine(folder, "__azurite_db_table__.json");

    private string[] Journal() => [.. Directory.GetFiles(folder, "journal-*.log").Order(StringComparer.Ordinal)];

    private Task<AzuriteProcess> StartAsync(JournalOptions? journal = null) =>
        AzuriteProcess.StartAsync(folder, journal ?? new JournalOptions(), said.Enqueue, CancellationToken.None);

    /// <summary>Leaves a folder whose journal has several records; returns what clients saw.</summary>
    private async Task<List<string>> KilledWithRowsAsync()
    {
        await using var azurite = await StartAsync();
        var table = new TableClient(azurite.ConnectionString, "kept");
        await table.CreateAsync();
        for (var row = 0; row < 5; row++)
        {
            await table.AddEntityAsync(new TableEntity("p", $"{row}"));
        }
        var seen = await StoredState.ReadAsync(azurite.ConnectionString);
        await KillAsync(azurite);
        return seen;
    }

    private static async Task KillAsync(AzuriteProcess azurite)
    {
        using (var process = Process.GetProcessById(azurite.ProcessId))
        {
            process.Kill();
        }
        await azurite.Ended;
    }

    /// <summary>Writes one row after the other until storage is killed.</summary>
    private static async Task WriteAsync(AzuriteProcess azurite, string writer, ConcurrentDictionary<string, int> answered, CancellationToken stop)
    {
        var table = new TableClient(azurite.ConnectionString, "kept", new TableClientOptions { Retry = { MaxRetries = 0 } });
        try
        {
            await table.CreateIfNotExistsAsync(stop);
            for (var row = 0; ; row++)
            {
                var key = $"{writer}-{row % 50}";
                await table.UpsertEntityAsync(new TableEntity("p", key) { ["Value"] = row, ["Text"] = new string('x', 500) }, TableUpdateMode.Replace, stop);
                answered[key] = row;
            }
        }
        catch (Exception killed) when (killed is RequestFailedException or OperationCanceledException)
        {
        }
    }

    private async Task ForgetJournalAsync()
    {
        foreach (var file in Directory.GetFiles(folder, "__azurite_db_*.json"))
        {
            var database = JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject();
            database.Remove("journalFrom").Should().BeTrue();
            await File.WriteAllTextAsync(file, database.ToJsonString());
        }
    }

    private static async Task LimitFilesAsync(AzuriteProcess azurite, string bytes)
    {
        using var prlimit = Process.Start("prlimit", ["--pid", $"{azurite.ProcessId}", $"--fsize={bytes}"]);
        await prlimit.WaitForExitAsync();
        prlimit.ExitCode.Should().Be(0);
    }
}
