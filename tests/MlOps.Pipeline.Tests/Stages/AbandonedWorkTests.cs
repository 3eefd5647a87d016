using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tests.Stages;

public sealed class AbandonedWorkTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-work-").FullName;

    [Fact]
    public void What_a_killed_process_left_is_removed_and_what_is_being_written_or_is_whole_stays()
    {
        string[] old =
        [
            "incoming/1", "drafts/a/0.parquet", "live/b/rows.jsonl", "traffic/g/rows.jsonl", "spill/duckdb_temp_storage-0.tmp", "datasets/v/c.parquet.0123",
        ];
        string[] kept = ["datasets/v/d.parquet"];
        string[] young = ["incoming/2", "drafts/e/0.parquet", "spill/duckdb_temp_storage-1.tmp", "datasets/v/f.parquet.4567"];
        foreach (var file in old.Concat(kept).Concat(young))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
            File.WriteAllText(Path.Combine(folder, file), "x");
        }
        foreach (var file in old.Concat(kept))
        {
            var path = Path.Combine(folder, file);
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-2));
            Directory.SetLastWriteTimeUtc(Path.GetDirectoryName(path)!, DateTime.UtcNow.AddDays(-2));
        }

        new AbandonedWork(new PipelineOptions { WorkFolder = folder }, TimeProvider.System).Clear(TimeSpan.FromDays(1));

        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
            .Should().BeEquivalentTo(kept.Concat(young));
        Directory.Exists(Path.Combine(folder, "drafts", "a")).Should().BeFalse();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
