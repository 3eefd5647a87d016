using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>Writes a dataset version into a folder for other tools, with what it is beside it.</summary>
public sealed class DataCheckout(DatasetExport export)
{
    private const string About = "dataset.json";
    private const string Arriving = ".mlops-checkout-";

    /// <summary>
    /// Writes <c>{model}-{stage}.csv</c> (or <c>.parquet</c>) and <c>dataset.json</c>; an earlier checkout in the folder is replaced, also one that broke off
    /// anywhere. Files of others stay.
    /// </summary>
    /// <param name="version">The version.</param>
    /// <param name="folder">Where to; it is made when it is not there.</param>
    /// <param name="format"><c>csv</c> or <c>parquet</c>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The table's file.</returns>
    /// <exception cref="InputException">The folder has other things in it, or the format is another.</exception>
    public async Task<string> WriteAsync(DataEntry version, string folder, string format, CancellationToken cancel)
    {
        var about = Path.Combine(folder, About);
        var file = $"{version.Model}-{version.Stage}.{format}";
        var own = await OwnAsync(folder, file, cancel);
        Directory.CreateDirectory(folder);
        var arriving = Path.Combine(folder, $"{Arriving}{Guid.NewGuid():N}.{format}");
        try
        {
            await export.WriteAsync(version.Id, arriving, cancel);
            // First what there is about to be: whoever dies in between leaves files that the next one knows as a checkout's.
            await DescribeAsync(about, new Checkout(file, version) { Replaces = [.. own] }, cancel);
            File.Move(arriving, Path.Combine(folder, file), overwrite: true);
            foreach (var earlier in own.Where(earlier => earlier != file))
            {
                File.Delete(Path.Combine(folder, earlier));
            }
            await DescribeAsync(about, new Checkout(file, version), cancel);
            return Path.Combine(folder, file);
        }
        finally
        {
            // There is none after a move: this is for a checkout that broke off.
            File.Delete(arriving);
        }
    }

    /// <summary>Files in the folder that an earlier checkout wrote.</summary>
    private static async Task<IReadOnlyList<string>> OwnAsync(string folder, string file, CancellationToken cancel)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }
        var names = Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)!).ToList();
        var left = names.Where(name => name.StartsWith(Arriving, StringComparison.Ordinal)).ToList();
        var others = names.Except(left, StringComparer.Ordinal).ToList();
        if (others.Count == 0)
        {
            return left;
        }
        var checkout = others.Contains(About, StringComparer.Ordinal) ? await FindAsync(Path.Combine(folder, About), cancel) : null;
        if (checkout is null)
        {
            throw new InputException($"The folder {folder} has other files in it. Name an empty folder, a new one, or one of an earlier checkout.");
        }
        // Only the names: what the file says leads out of no folder.
        IReadOnlyList<string> own = [.. left, .. checkout.Replaces.Append(checkout.File).Select(name => Path.GetFileName(name)!).Intersect(others)];
        return others.Contains(file, StringComparer.Ordinal) && !own.Contains(file, StringComparer.Ordinal)
            ? throw new InputException($"The folder {folder} has a file {file} that no checkout wrote. Move it away, or name another folder.")
            : own;
    }

    /// <summary>What an earlier checkout says; null where somebody else's file is called so.</summary>
    private static async Task<Checkout?> FindAsync(string about, CancellationToken cancel)
    {
        try
        {
            var found = Json.Read<Checkout>(await File.ReadAllTextAsync(about, cancel));
            return found is { File: not null, Version: not null } ? found : null;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    /// <summary>There is the old text or the new one, and never half of one.</summary>
    private static async Task DescribeAsync(string about, Checkout checkout, CancellationToken cancel)
    {
        var arriving = Path.Combine(Path.GetDirectoryName(about)!, $"{Arriving}{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(arriving, Json.Write(checkout) + "\n", cancel);
        File.Move(arriving, about, overwrite: true);
    }

    /// <param name="File">The table's file.</param>
    /// <param name="Version">What it has.</param>
    private sealed record Checkout(string File, DataEntry Version)
    {
        /// <summary>Files of earlier checkouts that are about to go.</summary>
        public IReadOnlyList<string> Replaces { get; init; } = [];
    }
}
