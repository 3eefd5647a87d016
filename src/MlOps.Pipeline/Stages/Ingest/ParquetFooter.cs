using System.Buffers.Binary;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Looks at what a Parquet file says of its columns (Thrift's compact protocol) before DuckDB does: DuckDB follows groups within groups by calling
/// itself, and a file of many levels would end the whole process.
/// </summary>
internal static class ParquetFooter
{
    private const int TrailerBytes = 8;
    private const int SchemaField = 2;
    private const int ChildrenField = 5;

    /// <exception cref="InvalidDataException">It is none, or nested deeper than may be read.</exception>
    public static void Check(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        Seek(file);
        Metadata(new CompactThrift(file));
    }

    /// <summary>Goes to the footer of a file; where it starts.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static long Seek(FileStream file)
    {
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
        return file.Seek(-TrailerBytes - length, SeekOrigin.End);
    }

    private static void Metadata(CompactThrift footer)
    {
        var field = 0;
        while (footer.Next(ref field) is > 0 and var type)
        {
            if (field == SchemaField && type == CompactThrift.List)
            {
                Schema(footer);
                return;
            }
            footer.Skip(type);
        }
    }

    /// <summary>The tree of columns, written from its root down: each group is followed by its children.</summary>
    private static void Schema(CompactThrift footer)
    {
        var (elements, type) = footer.Head();
        if (type != CompactThrift.Struct)
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
            if (Children(footer) is > 0 and var children)
            {
                open.Push(children);
            }
            if (open.Count > CompactThrift.MostLevels)
            {
                throw new InvalidDataException("The columns are nested too deeply.");
            }
        }
    }

    private static long Children(CompactThrift footer)
    {
        var (field, children) = (0, 0L);
        while (footer.Next(ref field) is > 0 and var type)
        {
            if (field == ChildrenField && CompactThrift.IsNumber(type))
            {
                children = footer.Number();
            }
            else
            {
                footer.Skip(type);
            }
        }
        return children;
    }
}
