using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>
/// Files that were damaged at random, or on purpose, are read or refused with a sentence, soon and within memory; the host goes on.
/// <c>MLOPS_TEST_FUZZED_FILES</c> says how many.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class HostileFileTests(AzuriteFixture azurite, ITestOutputHelper output) : IAsyncLifetime
{
    private const int MostMemoryMb = 1500;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);
    private static readonly PipelineDefinition Definition = new() { Model = "hostile", Target = "amount" };

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public async Task A_text_that_is_changed_at_random_is_read_or_refused_with_a_sentence() =>
        await TryAsync(".csv", TestSize.FuzzedFiles / 2, Encoding.UTF8.GetBytes(Table()));

    [Fact]
    public async Task A_parquet_that_is_changed_at_random_is_read_or_refused_with_a_sentence()
    {
        var csv = bench.Host.WriteFile("valid.csv", Table());
        var path = Path.Combine(bench.Host.WorkFolder, "valid.parquet");
        using (var session = bench.Host.Get<DuckDb>().Open(default))
        {
            session.Execute($"COPY (SELECT * FROM read_csv({Sql.Text(csv)})) TO {Sql.Text(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)");
        }
        await TryAsync(".parquet", TestSize.FuzzedFiles / 2, await File.ReadAllBytesAsync(path));
    }

    private async Task TryAsync(string ending, int files, byte[] valid)
    {
        var seed = TestSize.Seed;
        output.WriteLine($"seed {seed}, {files} files");
        var random = new Random(seed);
        var worked = Environment.CpuUsage.TotalTime;
        var faults = new List<string>();
        var (read, refused, largest) = (0, new SortedDictionary<string, int>(StringComparer.Ordinal), 0L);
        for (var i = 0; i < files; i++)
        {
            var path = Path.Combine(bench.Host.WorkFolder, $"hostile{ending}");
            await File.WriteAllBytesAsync(path, new Mutator(new Random(random.Next())).Change(valid));
            var (budget, before) = (Budget.Start(), faults.Count);
            try
            {
                await bench.IngestAsync(Definition, path);
                read++;
            }
            catch (InputException wrong)
            {
                var kind = wrong.Message[..Math.Min(30, wrong.Message.Length)];
                refused[kind] = refused.GetValueOrDefault(kind) + 1;
                if (Sentences.InsidesOf(wrong.Message) is { } insides)
                {
                    faults.Add($"{i} says '{insides}': {wrong.Message}");
                }
            }
            catch (Exception fault)
            {
                faults.Add($"{i} {fault}");
            }
            largest = Math.Max(largest, Environment.WorkingSet);
            if (budget.IsOver(Longest))
            {
                faults.Add($"{i} took too long");
            }
            if (faults.Count > before && Environment.GetEnvironmentVariable("MLOPS_TEST_KEEP") is { Length: > 0 } folder)
            {
                File.Copy(path, Path.Combine(folder, $"{seed}-{i}{ending}"), overwrite: true);
            }
            if (faults.Count > 5)
            {
                break;
            }
        }
        output.WriteLine($"read {read}, refused {string.Join("; ", refused.Select(kind => $"{kind.Value} {kind.Key}"))}");
        output.WriteLine($"{Environment.CpuUsage.TotalTime - worked} of processor time");

        string.Join("\n", faults).Should().BeEmpty($"of seed {seed}");
        (largest >> 20).Should().BeLessThan(MostMemoryMb);
        await bench.IngestAsync(Definition, bench.Host.WriteFile("after.csv", Table()));
    }

    private static string Table()
    {
        var random = new Random(1);
        var text = new StringBuilder("amount,when,flag,word,id\n");
        for (var i = 0; i < 60; i++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{random.Next(10_000) / 8.0},{new DateTime(2026, 1, 1).AddHours(i * 7):yyyy-MM-dd HH:mm},{(i % 3 == 0 ? "true" : "false")},"
                    + $"{(i % 5 == 0 ? "\"say \"\"so\"\", Köln\"" : "x" + (i % 4))},{i}\n");
        }
        return text.ToString();
    }
}
