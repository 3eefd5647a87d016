using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Unpacks a gzip file (RFC 1952) and checks the sum and length of every member: .NET's own stream takes a file that was cut off for a whole
/// one.</summary>
internal static class GzipFile
{
    private const int Trailer = 8;
    private const int BufferBytes = 1 << 18;

    /// <exception cref="InvalidDataException">The file is damaged or cut off; the message is a sentence for people.</exception>
    /// <exception cref="InputException">It unpacks to more than <paramref name="limit"/> has it.</exception>
    public static async Task UnpackAsync(string path, string copy, ExpansionLimit limit, CancellationToken cancel)
    {
        await using var packed = File.OpenRead(path);
        (uint Crc, long Length) unpacked;
        try
        {
            unpacked = await UnpackAllAsync(path, copy, limit, cancel);
        }
        catch (InvalidDataException unreadable)
        {
            // .NET tells of a method of compression that it does not know, whatever is wrong: the members tell what is.
            await CheckMembersAsync(packed, cancel);
            throw new InvalidDataException("what is packed in it cannot be unpacked.", unreadable);
        }
        if (packed.Length < Trailer)
        {
            throw CutOff();
        }
        packed.Seek(-Trailer, SeekOrigin.End);
        var trailer = new byte[Trailer];
        await packed.ReadExactlyAsync(trailer, cancel);
        if (Matches(trailer, unpacked.Crc, unpacked.Length))
        {
            return;
        }
        // Several members one after the other, or zeros behind the last, or a damaged file: look at each.
        packed.Position = 0;
        await CheckMembersAsync(packed, cancel);
    }

    private static async Task<(uint Crc, long Length)> UnpackAllAsync(string path, string copy, ExpansionLimit limit, CancellationToken cancel)
    {
        await using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        await using var unpacked = File.Create(copy);
        var crc = new Crc32();
        var length = 0L;
        var buffer = new byte[BufferBytes];
        int read;
        while ((read = await packed.ReadAsync(buffer, cancel)) > 0)
        {
            crc.Append(buffer.AsSpan(0, read));
            length += read;
            limit.Check(length);
            await unpacked.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        return (crc.GetCurrentHashAsUInt32(), length);
    }

    private static async Task CheckMembersAsync(FileStream file, CancellationToken cancel)
    {
        await using var packed = new BufferedStream(file, BufferBytes);
        var buffer = new byte[BufferBytes];
        for (var member = 1; ; member++)
        {
            var first = packed.ReadByte();
            if (member > 1 && first <= 0)
            {
                // The end, or padding.
                return;
            }
            SkipHeader(packed, first);
            var part = member == 1 ? "content" : $"member {member}";
            var crc = new Crc32();
            var length = 0L;
            // Byte by byte, so that nothing of what follows the member is taken from the file.
            await using (var inflate = new DeflateStream(new ByteByByte(packed), CompressionMode.Decompress, leaveOpen: true))
            {
                int read;
                while ((read = Inflate(inflate, buffer, part)) > 0)
                {
                    cancel.ThrowIfCancellationRequested();
                    crc.Append(buffer.AsSpan(0, read));
                    length += read;
                }
            }
            var trailer = new byte[Trailer];
            if (packed.ReadAtLeast(trailer, Trailer, throwOnEndOfStream: false) < Trailer)
            {
                throw CutOff();
            }
            if (!Matches(trailer, crc.GetCurrentHashAsUInt32(), length))
            {
                throw new InvalidDataException($"the check sum of its {part} is wrong.");
            }
        }
    }

    private static int Inflate(DeflateStream member, byte[] buffer, string part)
    {
        try
        {
            return member.Read(buffer);
        }
        catch (InvalidDataException damaged)
        {
            throw new InvalidDataException($"its {part} cannot be unpacked.", damaged);
        }
    }

    private static bool Matches(ReadOnlySpan<byte> trailer, uint crc, long length) =>
        BinaryPrimitives.ReadUInt32LittleEndian(trailer) == crc && BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) == (uint)length;

    private static void SkipHeader(Stream packed, int first)
    {
        const int HasSum = 2;
        const int HasExtra = 4;
        const int HasName = 8;
        const int HasComment = 16;
        var header = new byte[9];
        if (packed.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
        {
            throw CutOff();
        }
        if (first != 0x1f || header[0] != 0x8b || header[1] != 8)
        {
            throw new InvalidDataException("something that is no gzip stands behind its end.");
        }
        var flags = header[2];
        if ((flags & HasExtra) != 0)
        {
            var length = Next(packed) | (Next(packed) << 8);
            for (var i = 0; i < length; i++)
            {
                Next(packed);
            }
        }
        foreach (var flag in (ReadOnlySpan<int>)[HasName, HasComment])
        {
            while ((flags & flag) != 0 && Next(packed) != 0)
            {
            }
        }
        if ((flags & HasSum) != 0)
        {
            Next(packed);
            Next(packed);
        }
    }

    private static int Next(Stream packed) => packed.ReadByte() is >= 0 and var read ? read : throw CutOff();

    private static InvalidDataException CutOff() => new("it ends too early, as after a download that broke off.");

    private sealed class ByteByByte(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, 1));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
