using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// The log's blobs, <c>{model}/{yyyy}/{MM}/{dd}/{HH}/{host}-{number}.jsonl</c> by the hour of the prediction. Each is written by one host only,
/// which knows its length: a block that arrived although its answer did not is not written twice. An hour that is over is compacted into
/// <c>rows-{number}.parquet</c> beside them (<see cref="PredictionCompactor"/>).
/// </summary>
internal sealed partial class PredictionBlobs(PipelineStorage storage, PredictionLogOptions options)
{
    /// <summary>A blob takes 50,000 blocks.</summary>
    private const int MostBlocks = 49_000;

    private const string Extension = ".jsonl";
    private const string CopyExtension = ".kept.jsonl";
    private const string CompactedStart = "rows-";
    private const string CompactedExtension = ".parquet";
    private const string HoldsKey = "holds";

    private readonly string host = RandomNumberGenerator.GetHexString(8, lowercase: true);
    private readonly Dictionary<(string Model, DateTimeOffset Hour), OpenBlob> open = [];
    private int begun;

    public static BlobHttpHeaders CompactedHeaders => new() { ContentType = "application/vnd.apache.parquet" };

    public static BlobHttpHeaders Headers => new() { ContentType = "application/x-ndjson" };

    /// <summary>Name of the copy without rows that were deleted (<see cref="KeyedRows"/>). It counts when the blob is gone.</summary>
    public static string CopyOf(string blob) => blob[..^Extension.Length] + CopyExtension;

    public static bool IsCopy(string blob) => blob.EndsWith(CopyExtension, StringComparison.Ordinal);

    /// <summary>A blob of lines without its extension: the same for its copy.</summary>
    public static string StemOf(string blob) =>
        IsCopy(blob) ? blob[..^CopyExtension.Length] : blob.EndsWith(Extension, StringComparison.Ordinal) ? blob[..^Extension.Length] : blob;

    /// <summary>Whether a host has named it: what somebody put there is read, and left as it is.</summary>
    public static bool IsOwn(string blob) => OwnName().IsMatch(blob);

    public static bool IsCompacted(string blob) =>
        blob.EndsWith(CompactedExtension, StringComparison.Ordinal)
        && blob.AsSpan(blob.LastIndexOf('/') + 1).StartsWith(CompactedStart, StringComparison.Ordinal);

    /// <summary>The next compacted blob of an hour. In a list it comes after blobs of lines: these begin with a hexadecimal digit.</summary>
    public static string NextCompacted(string folder, IEnumerable<LogBlob> blobs)
    {
        var newest = blobs.Where(blob => blob.IsCompacted).Select(blob => NumberOf(blob.Name)).DefaultIfEmpty(0).Max();
        return string.Create(CultureInfo.InvariantCulture, $"{folder}{CompactedStart}{newest + 1:D4}{CompactedExtension}");
    }

    /// <summary>How a compacted blob says which blobs of lines it holds.</summary>
    public static IDictionary<string, string> MetadataOf(IEnumerable<LogBlob> lines) => new Dictionary<string, string>
    {
        [HoldsKey] = string.Join(',', lines.Select(blob => StemOf(blob.Name)[blob.Folder.Length..])),
    };

    /// <summary>Stems of the blobs of lines that a compacted blob holds.</summary>
    public static IReadOnlyList<string> HeldBy(string blob, IDictionary<string, string>? metadata) =>
        IsCompacted(blob) && metadata is not null && metadata.TryGetValue(HoldsKey, out var names)
            ? [.. names.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => blob[..(blob.LastIndexOf('/') + 1)] + name)]
            : [];

    /// <summary>What names of a model's blobs of one day start with.</summary>
    public static string DayPrefix(string model, DateTimeOffset day) => string.Create(CultureInfo.InvariantCulture, $"{model}/{day.UtcDateTime:yyyy/MM/dd}/");

    /// <summary>What names of an hour's blobs start with.</summary>
    public static string HourPrefix(string model, DateTimeOffset hour) =>
        string.Create(CultureInfo.InvariantCulture, $"{model}/{hour.UtcDateTime:yyyy/MM/dd/HH}/");

    /// <summary>The hour whose rows a blob holds; null when the name is none of the log.</summary>
    public static DateTimeOffset? HourOf(string name)
    {
        var parts = name.Split('/');
        return parts.Length == 6
            && DateTimeOffset.TryParseExact(
                string.Join('/', parts[1..5]), "yyyy/MM/dd/HH", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var hour)
            ? hour
            : null;
    }

    /// <summary>Appends whole lines.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hour">Their hour.</param>
    /// <param name="lines">At most 4 MiB, the largest block of a blob.</param>
    /// <param name="cancel">Stops the write; the same lines may then be given again.</param>
    public async Task AppendAsync(string model, DateTimeOffset hour, ReadOnlyMemory<byte> lines, CancellationToken cancel)
    {
        if (!open.TryGetValue((model, hour), out var blob))
        {
            open[(model, hour)] = blob = await BeginAsync(model, hour, cancel);
        }
        if (!await TryAppendAsync(blob, lines, cancel))
        {
            open[(model, hour)] = blob = await BeginAsync(model, hour, cancel);
            if (!await TryAppendAsync(blob, lines, cancel))
            {
                throw new IOException($"The blob {blob.Client.Name} was changed by somebody else.");
            }
        }
        if (blob.Length >= options.BlobBytes || blob.Blocks >= MostBlocks)
        {
            open.Remove((model, hour));
        }
    }

    /// <summary>Forgets the blobs of hours that are over.</summary>
    public void CloseBefore(DateTimeOffset hour)
    {
        foreach (var over in open.Keys.Where(key => key.Hour < hour).ToList())
        {
            open.Remove(over);
        }
    }

    private async Task<OpenBlob> BeginAsync(string model, DateTimeOffset hour, CancellationToken cancel)
    {
        begun++;
        var client = storage.Predictions.GetAppendBlobClient(
            string.Create(CultureInfo.InvariantCulture, $"{model}/{hour.UtcDateTime:yyyy/MM/dd/HH}/{host}-{begun:D4}{Extension}"));
        var onlyOnce = new AppendBlobCreateOptions
        {
            HttpHeaders = Headers,
            // Nobody else makes a blob of this name: one that is there is this one, whose answer got lost, and may not be made empty again.
            Conditions = new AppendBlobRequestConditions { IfNoneMatch = ETag.All },
        };
        await client.CreateAsync(onlyOnce, cancel).WinsAsync();
        return new OpenBlob(client);
    }

    /// <summary>False when the blob is not as it was left.</summary>
    private static async Task<bool> TryAppendAsync(OpenBlob blob, ReadOnlyMemory<byte> lines, CancellationToken cancel)
    {
        try
        {
            await using var block = BinaryData.FromBytes(lines).ToStream();
            var onlyHere = new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = blob.Length } };
            await blob.Client.AppendBlockAsync(block, onlyHere, cancel);
        }
        catch (RequestFailedException elsewhere) when (elsewhere.Status == 412)
        {
            // An attempt before, whose answer got lost, may have written it. Others add single line ends, fewer than a line has bytes.
            if ((await blob.Client.GetPropertiesAsync(cancellationToken: cancel)).Value.ContentLength < blob.Length + lines.Length)
            {
                return false;
            }
        }
        catch (RequestFailedException gone) when (gone.Status == 404 && gone.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return false;
        }
        blob.Length += lines.Length;
        blob.Blocks++;
        return true;
    }

    private static int NumberOf(string compacted) =>
        int.TryParse(
            compacted.AsSpan()[(compacted.LastIndexOf('/') + 1 + CompactedStart.Length)..^CompactedExtension.Length],
            NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;

    [GeneratedRegex("/[0-9a-f]{8}-[0-9]{4,9}(\\.kept)?\\.jsonl$", RegexOptions.CultureInvariant)]
    private static partial Regex OwnName();

    private sealed class OpenBlob(AppendBlobClient client)
    {
        public AppendBlobClient Client => client;
        public long Length { get; set; }
        public int Blocks { get; set; }
    }
}
