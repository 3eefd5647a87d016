using System.Text;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>What stages say while they work, kept on their run: a blob a stage, <c>artifacts/{run}/logs/{stage}.log</c>, which goes with the run.</summary>
public sealed partial class StageLogs(PipelineStorage storage, StageLogOptions options, TimeProvider time, ILogger<StageLogs> logger)
{
    /// <summary>Begins, or goes on with, the log of a stage: until it is disposed of it is the caller's <see cref="StageLog.Current"/>.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="stage">The stage's name.</param>
    /// <param name="key">The call of it.</param>
    public StageLog Open(string runId, string stage, string key) => new(
        new StageLogBlob(storage.Artifacts.GetAppendBlobClient(BlobOf(runId, stage)), options.MostBytes), (runId, key), options, time,
        fault => LogNotKept(runId, stage, fault));

    /// <summary>What a stage's log has from some byte on. A stage that has said nothing has an empty one.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="stage">The stage's name.</param>
    /// <param name="from">Bytes to leave out, as an earlier part said.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<StageLogPart> ReadAsync(string runId, string stage, long from, CancellationToken cancel)
    {
        var blob = storage.Artifacts.GetBlobClient(BlobOf(runId, stage));
        try
        {
            BlobDownloadResult read = await blob.DownloadContentAsync(new BlobDownloadOptions { Range = new HttpRange(from) }, cancel);
            var content = read.Content.ToMemory();
            return new StageLogPart(stage, from, from + content.Length, Encoding.UTF8.GetString(content.Span));
        }
        catch (RequestFailedException nothing) when (nothing.Status is 404 or 416)
        {
            return new StageLogPart(stage, from, from, "");
        }
    }

    /// <summary>The last lines of a stage's log.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="stage">The stage's name.</param>
    /// <param name="length">How long it is: see <see cref="LengthsAsync"/>.</param>
    /// <param name="most">Bytes at most.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<StageLogPart> ReadEndAsync(string runId, string stage, long length, int most, CancellationToken cancel)
    {
        var part = await ReadAsync(runId, stage, Math.Max(0, length - most), cancel);
        if (part.From == 0)
        {
            return part;
        }
        // Where it begins within a line, or a character, the next line is the first.
        var rest = part.Text.IndexOf('\n', StringComparison.Ordinal) is >= 0 and var end ? part.Text[(end + 1)..] : part.Text;
        return part with { From = part.Next - Encoding.UTF8.GetByteCount(rest), Text = rest };
    }

    /// <summary>How many bytes the log of each stage has, by name; stages without one are not in it.</summary>
    public async Task<IReadOnlyDictionary<string, long>> LengthsAsync(string runId, CancellationToken cancel)
    {
        var (folder, lengths) = (FolderOf(runId), new SortedDictionary<string, long>(StringComparer.Ordinal));
        await foreach (var blob in storage.Artifacts.GetBlobsAsync(BlobTraits.None, BlobStates.None, folder, cancel))
        {
            if (blob.Name.EndsWith(Extension, StringComparison.Ordinal) && blob.Properties.ContentLength is > 0 and var length)
            {
                lengths[blob.Name[folder.Length..^Extension.Length]] = length;
            }
        }
        return lengths;
    }

    /// <summary>What the names of a run's logs begin with, in container <c>artifacts</c>.</summary>
    public static string FolderOf(string runId) => $"{runId}/logs/";

    private const string Extension = ".log";

    private static string BlobOf(string runId, string stage) => $"{FolderOf(runId)}{stage}{Extension}";

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: lines of the log of stage {Stage} could not be kept on the run; the stage goes on")]
    private partial void LogNotKept(string runId, string stage, Exception fault);
}

/// <summary>A part of a stage's log.</summary>
/// <param name="Stage">The stage's name.</param>
/// <param name="From">Bytes before it.</param>
/// <param name="Next">Bytes up to its end: where the next part begins.</param>
/// <param name="Text">Its lines, each with an UTC time and a level at its beginning.</param>
public sealed record StageLogPart(string Stage, long From, long Next, string Text);
