using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>Reads a model's dataset versions again, some at a time, and names what is damaged.</summary>
public sealed class DataVerification(DataLog log, DatasetStore datasets, PipelineStorage storage, TimeProvider time)
{
    /// <param name="model">The model.</param>
    /// <param name="take">At most so many versions.</param>
    /// <param name="next">What the answer before said; null: from the newest version on.</param>
    /// <param name="most">After this time no other part is begun.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<DataVerified> VerifyAsync(string model, int take, string? next, TimeSpan most, CancellationToken cancel)
    {
        var begun = time.GetTimestamp();
        var (after, skip) = next is null ? (null, 0) : PlaceOf(next);
        var page = await log.ListAsync(model, stage: null, take, after, cancel);
        var (broken, bytes, parts, versions) = (new List<Finding>(), 0L, 0, 0);
        foreach (var entry in page.Items)
        {
            if (await datasets.FindAsync(entry.Id, cancel) is { } version)
            {
                for (var i = skip; i < version.Parts.Count; i++)
                {
                    if (time.GetElapsedTime(begun) > most && parts > 0)
                    {
                        return new DataVerified(broken, versions, bytes, TokenOf(after, i));
                    }
                    var part = version.Parts[i];
                    var length = await StoredBlobs.LengthAsync(storage.Datasets, $"{entry.Id}/{part.Name}", cancel);
                    if (await PartCheck.FindAsync(storage, entry.Id, part, new PartCheck(length, Rehash: true), cancel) is { } problem)
                    {
                        broken.Add(problem);
                    }
                    (bytes, parts) = (bytes + part.Bytes, parts + 1);
                }
                if (version.ViewOf is { } of && await ViewCheck.FindAsync(storage, entry.Id, of, cancel) is { } lost)
                {
                    broken.Add(lost);
                }
            }
            else if (await log.FindAsync(model, entry.Id, cancel) is not null)
            {
                broken.Add(
                    new Finding(FindingKind.Broken, $"datasets/{entry.Id}", "It is in the log, and is not there. Run its file again, or restore a backup."));
            }
            (versions, skip, after) = (versions + 1, 0, DataLog.TokenAfter(entry));
        }
        return new DataVerified(broken, versions, bytes, page.Next is null ? null : TokenOf(page.Next, 0));
    }

    private static string TokenOf(string? after, int part) => PageToken.Write(string.Create(CultureInfo.InvariantCulture, $"{part}|{after}"));

    private static (string? After, int Part) PlaceOf(string next) =>
        PageToken.Read(next).Split('|', 2) is [var part, var after] && int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (after.Length == 0 ? null : after, number)
            : throw PageToken.NoToken(next);
}

/// <param name="Broken">What is damaged.</param>
/// <param name="Versions">Versions that were looked at to their end.</param>
/// <param name="Bytes">Bytes that were read.</param>
/// <param name="Next">Where it goes on; null: all was looked at.</param>
public sealed record DataVerified(IReadOnlyList<Finding> Broken, int Versions, long Bytes, string? Next);
