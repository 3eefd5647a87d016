using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>Writes a dataset version into a folder for other tools, with what it is beside it.</summary>
public sealed class DataCheckout(DatasetExport export)
{
    private const string About = "dataset.json";

    /// <summary>Writes <c>{model}-{stage}.csv</c> (or <c>.parquet</c>) and <c>dataset.json</c>; an earlier checkout in the folder is replaced.</summary>
    /// <param name="version">The version.</param>
    /// <param name="folder">Where to; it is made when it is not there.</param>
    /// <param name="format"><c>csv</c> or <c>parquet</c>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The table's file.</returns>
    /// <exception cref="InputException">The folder has other things in it, or the format is another.</exception>
    public async Task<string> WriteAsync(DataEntry version, string folder, string format, CancellationToken cancel)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any() && !File.Exists(Path.Combine(folder, About)))
        {
            throw new InputException($"The folder {folder} has other files in it. Name an empty folder, a new one, or one of an earlier checkout.");
        }
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{version.Model}-{version.Stage}.{format}");
        var arriving = Path.Combine(folder, $".{Guid.NewGuid():N}.{format}");
        try
        {
            await export.WriteAsync(version.Id, arriving, cancel);
            var about = Path.Combine(folder, About);
            if (File.Exists(about))
            {
                var earlier = Json.Read<Checkout>(await File.ReadAllTextAsync(about, cancel));
                File.Delete(Path.Combine(folder, Path.GetFileName(earlier.File)));
            }
            File.Move(arriving, file, overwrite: true);
            await File.WriteAllTextAsync(about, Json.Write(new Checkout(Path.GetFileName(file), version)) + "\n", cancel);
            return file;
        }
        finally
        {
            // There is none after a move: this is for a checkout that broke off.
            File.Delete(arriving);
        }
    }

    /// <param name="File">The table's file.</param>
    /// <param name="Version">What it has.</param>
    private sealed record Checkout(string File, DataEntry Version);
}
