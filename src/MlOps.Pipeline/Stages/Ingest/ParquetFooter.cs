using System.Buffers.Binary;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Looks at what a Parquet file says of its columns (Thrift's compact protocol) before DuckDB does: DuckDB follows groups within groups by calling
/// itself, and a file of many levels would end the whole process.
/// </summary>
internal static class ParquetFooter
{
    /// <summary>Tables of people and programs have a handful.</summary>
    private const int MostLevels = 100;

    private const int TrailerBytes = 8;
    private const int SchemaField = 2;
    private const int ChildrenField = 5;

    private const int True = 1;
    private const int False = 2;
    private const int Byte = 3;
    private const int Double = 7;
    private const int Binary = 8;
    private const int List = 9;
    private const int Set = 10;
    private const int Map = 11;
    private const int Struct = 12;

    /// <exception cref="InvalidDataException">It is none, or nested deeper than may be read.</exception>
    public static void Check(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        var trailer = new byte[TrailerBytes];
        if (file.Length < 4 + TrailerBytes)
        {
            throw new InvalidDataException("The file is too short.");
        }
        file.Seek(-TrailerBytes, SeekOrigin.End);
        file.ReadExactly(trailer);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        if (!trailer.AsSpan(4).SequenceEqual("PAR1"u8) || length > file.Length - TrailerBytes - 4)
        {
            throw new InvalidDataException("The file has no footer.");
        }
        file.Seek(-TrailerBytes - length, SeekOrigin.End);
        new Walk(file).Metadata();
    }

    private sealed class Walk(Stream footer)
    {
        public void Metadata()
        {
            var field = 0;
            while (Next(ref field) is > 0 and var type)
            {
                if (field == SchemaField && type == List)
                {
                    Schema();
                    return;
                }
                Skip(type, 0);
            }
        }

        /// <summary>The tree of columns, written from its root down: each group is followed by its children.</summary>
        private void Schema()
        {
            var (elements, type) = Head();
            if (type != Struct)
            {
                throw new InvalidDataException("The footer's columns are none.");
            }
            var open = new Stack<long>();
            for (var i = 0UL; i < elements; i++)
            {
                while (open.Count > 0 && open.Peek() == 0)
                {
                    open.Pop();
                }
                if (open.Count > 0)
                {
                    open.Push(open.Pop() - 1);
                }
                if (Children() is > 0 and var children)
                {
                    open.Push(children);
                }
                if (open.Count > MostLevels)
                {
                    throw new InvalidDataException("The columns are nested too deeply.");
                }
            }
        }

        private long Children()
        {
            var (field, children) = (0, 0L);
            while (Next(ref field) is > 0 and var type)
            {
                if (field == ChildrenField && type is > Byte and < Double)
                {
                    children = Number();
                }
                else
                {
                    Skip(type, 0);
                }
            }
            return children;
        }

        /// <summary>Type of the next field; 0 at the end of the structure.</summary>
        private int Next(ref int field)
        {
            var head = One();
            if (head == 0)
            {
                return 0;
            }
            var gap = head >> 4;
            field = gap == 0 ? (int)Number() : field + gap;
            return head & 0xf;
        }

        private void Skip(int type, int level)
        {
            if (level > MostLevels)
            {
                throw new InvalidDataException("The footer is nested too deeply.");
            }
            switch (type)
            {
                case True or False:
                    break;
                case Byte:
                    One();
                    break;
                case > Byte and < Double:
                    Varint();
                    break;
                case Double:
                    Skip((ulong)sizeof(double));
                    break;
                case Binary:
                    Skip(Varint());
                    break;
                case List or Set:
                    var (elements, of) = Head();
                    for (var i = 0UL; i < elements; i++)
                    {
                        SkipElement(of, level + 1);
                    }
                    break;
                case Map:
                    var entries = Varint();
                    var types = entries == 0 ? 0 : One();
                    for (var i = 0UL; i < entries; i++)
                    {
                        SkipElement(types >> 4, level + 1);
                        SkipElement(types & 0xf, level + 1);
                    }
                    break;
                case Struct:
                    for (var field = 0; Next(ref field) is > 0 and var member;)
                    {
                        Skip(member, level + 1);
                    }
                    break;
                default:
                    throw new InvalidDataException("The footer is damaged.");
            }
        }

        /// <summary>In lists and maps booleans are bytes.</summary>
        private void SkipElement(int type, int level) => Skip(type is True or False ? Byte : type, level);

        private (ulong Elements, int Type) Head()
        {
            var head = One();
            return (head >> 4 == 0xf ? Varint() : (ulong)(head >> 4), head & 0xf);
        }

        private void Skip(ulong bytes)
        {
            if (bytes > (ulong)(footer.Length - footer.Position))
            {
                throw new InvalidDataException("The footer is cut off.");
            }
            footer.Seek((long)bytes, SeekOrigin.Current);
        }

        private long Number()
        {
            var value = Varint();
            return (long)(value >> 1) ^ -(long)(value & 1);
        }

        private ulong Varint()
        {
            var value = 0UL;
            for (var shift = 0; shift < 70; shift += 7)
            {
                var part = One();
                value |= (ulong)(part & 0x7f) << shift;
                if (part < 0x80)
                {
                    return value;
                }
            }
            throw new InvalidDataException("The footer is damaged.");
        }

        private int One() => footer.ReadByte() is >= 0 and var read ? read : throw new InvalidDataException("The footer is cut off.");
    }
}
