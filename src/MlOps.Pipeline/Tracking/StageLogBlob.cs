using System.Net.Http.Headers;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// The end of an append blob, where calls of a stage, on several machines perhaps, add their lines. Each block names the position that it is for: one whose
/// answer was lost is seen there when it is sent again, and is not written twice.
/// </summary>
/// <param name="blob">The stage's log.</param>
/// <param name="most">Bytes that it may have.</param>
internal sealed class StageLogBlob(AppendBlobClient blob, int most)
{
    /// <summary>So many others may be faster, one after the other, before the next second's turn.</summary>
    private const int MostTries = 10;

    private static readonly byte[] Full = "This log is full; what follows is in the host's log only.\n"u8.ToArray();

    /// <summary>What is sent, and may have arrived: it is sent again, as it was, before anything else.</summary>
    private readonly Queue<byte[]> left = new();

    private long? position;
    private bool isClosed;

    /// <summary>Adds lines after what is there.</summary>
    /// <exception cref="RequestFailedException">Storage did not take them: they are sent first the next time.</exception>
    public async Task AppendAsync(byte[] lines, CancellationToken cancel)
    {
        if (lines.Length > 0)
        {
            left.Enqueue(lines);
        }
        for (var tries = 0; left.TryPeek(out var next) && tries < MostTries;)
        {
            position ??= await EndAsync(cancel);
            if (isClosed || position >= most)
            {
                left.Clear();
                isClosed = true;
                return;
            }
            if (await TryAppendAsync(Fit(next, position.Value), position.Value, cancel))
            {
                left.Dequeue();
                tries = 0;
            }
            else
            {
                tries++;
            }
        }
    }

    private async Task<bool> TryAppendAsync(byte[] block, long at, CancellationToken cancel)
    {
        try
        {
            using var content = new MemoryStream(block);
            var options = new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = at } };
            await blob.AppendBlockAsync(content, options, cancel);
            position = at + block.Length;
            return true;
        }
        catch (RequestFailedException taken) when (taken.Status == 412)
        {
            (var isMine, position) = await LookAsync(block, at, cancel);
            return isMine;
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            // The run was deleted: what nobody would find is not written.
            isClosed = true;
            return true;
        }
    }

    /// <summary>Where the next block goes; the blob is made when it is the first.</summary>
    private async Task<long> EndAsync(CancellationToken cancel)
    {
        var headers = new AppendBlobCreateOptions { HttpHeaders = new BlobHttpHeaders { ContentType = "text/plain; charset=utf-8" } };
        return await blob.CreateIfNotExistsAsync(headers, cancel) is null ? (await blob.GetPropertiesAsync(cancellationToken: cancel)).Value.ContentLength : 0;
    }

    /// <summary>Whether a block stands at a place, as it does when its answer was lost, and where the next one goes; null: not known.</summary>
    private async Task<(bool IsThere, long? End)> LookAsync(byte[] block, long at, CancellationToken cancel)
    {
        try
        {
            BlobDownloadResult there = await blob.DownloadContentAsync(new BlobDownloadOptions { Range = new HttpRange(at, block.Length) }, cancel);
            var whole = ContentRangeHeaderValue.TryParse(there.Details.ContentRange, out var range) ? range.Length : null;
            return (there.Content.ToMemory().Span.SequenceEqual(block), whole);
        }
        catch (RequestFailedException shorter) when (shorter.Status == 416)
        {
            return (false, null);
        }
    }

    /// <summary>The lines; or as many bytes of them as there is room for, up to the very last: every writer sees by the length that it is full.</summary>
    private byte[] Fit(byte[] lines, long at)
    {
        var room = most - at;
        if (lines.Length + Full.Length < room)
        {
            return lines;
        }
        var block = new byte[Math.Max(room, Full.Length)];
        var kept = block.Length - Full.Length;
        if (kept > 0)
        {
            block.AsSpan(0, kept).Fill((byte)' ');
            block[kept - 1] = (byte)'\n';
            lines.AsSpan(0, WholeCharacters(lines, kept - 1)).CopyTo(block);
        }
        Full.CopyTo(block.AsSpan(kept));
        return block;
    }

    /// <summary>The most bytes, up to a number, that end no character in its midst.</summary>
    private static int WholeCharacters(byte[] utf8, int atMost)
    {
        const int KindOfByte = 0b1100_0000, WithinCharacter = 0b1000_0000;
        while (atMost > 0 && (utf8[atMost] & KindOfByte) == WithinCharacter)
        {
            atMost--;
        }
        return atMost;
    }
}
