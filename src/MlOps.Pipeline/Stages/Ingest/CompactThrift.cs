namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Reads Thrift's compact protocol, in which Parquet describes itself, and passes over what nobody asks for.</summary>
/// <param name="stream">Where it stands.</param>
internal sealed class CompactThrift(Stream stream)
{
    public const int List = 9;
    public const int Struct = 12;

    /// <summary>Tables of people and programs have a handful.</summary>
    public const int MostLevels = 100;

    private const int True = 1;
    private const int False = 2;
    private const int Byte = 3;
    private const int Double = 7;
    private const int Binary = 8;
    private const int Set = 10;
    private const int Map = 11;

    /// <summary>Whether a field's type is a whole number of more than a byte.</summary>
    public static bool IsNumber(int type) => type is > Byte and < Double;

    /// <summary>Type of the next field; 0 at the end of the structure.</summary>
    public int Next(ref int field)
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

    /// <summary>Passes over a value.</summary>
    public void Skip(int type, int level = 0)
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

    /// <summary>The head of a list: how many elements, and of which type.</summary>
    public (ulong Elements, int Type) Head()
    {
        var head = One();
        return (head >> 4 == 0xf ? Varint() : (ulong)(head >> 4), head & 0xf);
    }

    private void Skip(ulong bytes)
    {
        if (bytes > (ulong)(stream.Length - stream.Position))
        {
            throw new InvalidDataException("The footer is cut off.");
        }
        stream.Seek((long)bytes, SeekOrigin.Current);
    }

    /// <summary>A whole number of any width.</summary>
    public long Number()
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

    private int One() => stream.ReadByte() is >= 0 and var read ? read : throw new InvalidDataException("The footer is cut off.");
}
