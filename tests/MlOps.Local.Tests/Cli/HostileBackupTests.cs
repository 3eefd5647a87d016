using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlOps.Local.Storage;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>An archive that was made to write elsewhere, or more than it lists, is refused and changes nothing.</summary>
public sealed class HostileBackupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-hostile-").FullName;

    public static TheoryData<string> Names =>
    [
        "../evil.txt", "../../evil.txt", "a/../../evil.txt", "/tmp/mlops-evil.txt", "..", ".", "a/..", "../azurite-restoring-x/evil.txt", "a\0b",
        "..\\evil.txt/../../evil.txt",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task An_entry_that_leads_elsewhere_is_refused(string name)
    {
        var backup = Archive(archive => Add(archive, TarEntryType.RegularFile, name), name);

        await AssertRefusedAsync(backup);
        File.Exists("/tmp/mlops-evil.txt").Should().BeFalse();
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    [InlineData(TarEntryType.Directory)]
    [InlineData(TarEntryType.Fifo)]
    [InlineData(TarEntryType.CharacterDevice)]
    public async Task An_entry_that_is_no_file_is_refused(TarEntryType type) => await AssertRefusedAsync(Archive(
        archive =>
        {
            Add(archive, type, "link");
            Add(archive, TarEntryType.RegularFile, "link/evil.txt");
        },
        "link/evil.txt"));

    [Fact]
    public async Task A_file_that_the_list_does_not_have_is_refused() =>
        (await AssertRefusedAsync(Archive(
            archive =>
            {
                Add(archive, TarEntryType.RegularFile, "listed.json");
                Add(archive, TarEntryType.RegularFile, "journal-9.log");
            },
            "listed.json"))).Should().Contain("'journal-9.log' does not stand in its list");

    [Fact]
    public async Task A_file_that_comes_twice_is_refused() => await AssertRefusedAsync(Archive(
        archive =>
        {
            Add(archive, TarEntryType.RegularFile, "a.json");
            Add(archive, TarEntryType.RegularFile, "a.json");
        },
        "a.json"));

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"format\": 1}")]
    [InlineData("{\"format\": 1, \"files\": null}")]
    [InlineData("{\"format\": 2, \"files\": []}")]
    [InlineData("{\"format\": 1, \"files\": [null]}")]
    [InlineData("[[[[")]
    public async Task A_list_that_is_none_is_refused(string list) => await AssertRefusedAsync(ArchiveOf(_ => { }, list));

    [Fact]
    public async Task An_archive_that_is_changed_at_random_restores_what_it_lists_or_changes_nothing()
    {
        var valid = await File.ReadAllBytesAsync(Archive(
            archive =>
            {
                Add(archive, TarEntryType.RegularFile, "a.json");
                Add(archive, TarEntryType.RegularFile, "blobs/b.bin");
            },
            "a.json", "blobs/b.bin"));
        var seed = TestSize.Seed;
        var random = new Random(seed);
        using var unpacked = new MemoryStream();
        await using (var zip = new GZipStream(new MemoryStream(valid), CompressionMode.Decompress))
        {
            await zip.CopyToAsync(unpacked);
        }
        var restored = 0;
        for (var i = 0; i < 300; i++)
        {
            var changed = new Mutator(new Random(random.Next())).Change(unpacked.ToArray());
            var file = Path.Combine(folder, "changed.tar.gz");
            await using (var zip = new GZipStream(File.Create(file), CompressionLevel.Fastest))
            {
                await zip.WriteAsync(changed);
            }
            var data = Directory.CreateDirectory(Path.Combine(folder, $"data-{i}")).FullName;
            try
            {
                await StorageRestore.ReadAsync(Path.Combine(data, "azurite"), file, force: false, default);
                restored++;
                Directory.GetDirectories(data).Should().ContainSingle($"seed {seed}, {i}");
            }
            catch (EnvironmentProblemException refused)
            {
                refused.Message.Should().EndWith("Nothing was changed.");
                Directory.GetFileSystemEntries(data).Should().BeEmpty($"seed {seed}, {i}");
            }
            Directory.Delete(data, recursive: true);
        }
        restored.Should().BeInRange(1, 299, $"seed {seed}");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private async Task<string> AssertRefusedAsync(string backup)
    {
        var data = Directory.CreateDirectory(Path.Combine(folder, "data")).FullName;
        var before = Entries();

        var refused = await FluentActions.Awaiting(() => StorageRestore.ReadAsync(Path.Combine(data, "azurite"), backup, force: false, default))
            .Should().ThrowAsync<EnvironmentProblemException>();

        Entries().Should().Equal(before);
        refused.Which.Message.Should().StartWith($"The backup {backup} cannot be restored: ").And.EndWith("Nothing was changed.");
        return refused.Which.Message;
    }

    private List<string> Entries() => [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private string Archive(Action<TarWriter> fill, params string[] listed) => ArchiveOf(fill, List(listed));

    private string ArchiveOf(Action<TarWriter> fill, string list)
    {
        var path = Path.Combine(folder, "hostile.tar.gz");
        using var zip = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        using var archive = new TarWriter(zip, TarEntryFormat.Pax);
        fill(archive);
        archive.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "manifest.json") { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(list)) });
        return path;
    }

    private static string List(string[] names) => JsonSerializer.Serialize(
        new
        {
            format = 1,
            created = DateTimeOffset.UnixEpoch,
            files = names.Select(name => new { name, bytes = 4, sha256 = Convert.ToHexStringLower(SHA256.HashData("evil"u8)) }),
        });

    private static void Add(TarWriter archive, TarEntryType type, string name)
    {
        var entry = new PaxTarEntry(type, name);
        if (type == TarEntryType.RegularFile)
        {
            entry.DataStream = new MemoryStream("evil"u8.ToArray());
        }
        if (type is TarEntryType.SymbolicLink or TarEntryType.HardLink)
        {
            entry.LinkName = "/tmp";
        }
        archive.WriteEntry(entry);
    }
}
