using System.Buffers.Binary;
using System.Text;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>Parquet files that no writer writes: a footer (Thrift's compact protocol) that says what the test wants, and little behind it.</summary>
internal static class MadeUpParquet
{
    private const byte I32 = 5;
    private const byte I64 = 6;
    private const byte Binary = 8;
    private const byte List = 9;
    private const byte Struct = 12;

    private const int FirstPage = 4;
    private const int Rows = 7;
    private const int Bytes = Rows * sizeof(int);

    /// <summary>One column of integers of which nothing is there but the head of a page.</summary>
    /// <param name="rows">Rows that the footer claims.</param>
    /// <param name="pageBytes">Bytes that the page claims.</param>
    public static byte[] Claiming(long rows, int pageBytes) => OneColumn(
        rows, pageBytes, 0, [(1, I32, Number(0)), (2, I32, Number(pageBytes)), (3, I32, Number(16)), (5, Struct, DataHead(int.MaxValue))]);

    /// <summary>Seven integers, in a page whose head has one more member, which no reader knows and so passes over.</summary>
    public static byte[] WithPageMember(byte type, byte[] value) => OneColumn(
        Rows, Bytes, 0,
        [(1, I32, Number(0)), (2, I32, Number(Bytes)), (3, I32, Number(Bytes)), (5, Struct, DataHead(Rows)), (14, type, value)]);

    /// <summary>The same, in a footer that has one more member.</summary>
    public static byte[] WithFooterMember(byte type, byte[] value) => OneColumn(
        Rows, Bytes, 0, [(1, I32, Number(0)), (2, I32, Number(Bytes)), (3, I32, Number(Bytes)), (5, Struct, DataHead(Rows))], (14, type, value));

    /// <summary>Seven integers in a page that claims sizes which it does not have.</summary>
    /// <param name="kind">0: a page of data; 2: a dictionary; 3: a page of data of the second form, whose levels claim the same.</param>
    /// <param name="codec">How it is packed.</param>
    /// <param name="unpacked">Bytes when unpacked.</param>
    /// <param name="packed">Bytes in the file.</param>
    public static byte[] WithPage(int kind, int codec, int unpacked, int packed) => OneColumn(
        Rows, Bytes, codec,
        [
            (1, I32, Number(kind)), (2, I32, Number(unpacked)), (3, I32, Number(packed)),
            kind switch
            {
                2 => (7, Struct, Fields((1, I32, Number(Rows)), (2, I32, Number(0)))),
                3 => (8, Struct, Fields(
                    (1, I32, Number(Rows)), (2, I32, Number(0)), (3, I32, Number(Rows)), (4, I32, Number(0)), (5, I32, Number(unpacked)),
                    (6, I32, Number(packed)))),
                _ => (5, Struct, DataHead(Rows)),
            },
        ]);

    /// <summary>Seven integers in a page of which the footer says that it starts elsewhere.</summary>
    /// <param name="start">Where, in bytes from the file's start.</param>
    public static byte[] WithPageAt(long start) => OneColumn(
        Rows, Bytes, 0, [(1, I32, Number(0)), (2, I32, Number(Bytes)), (3, I32, Number(Bytes)), (5, Struct, DataHead(Rows))], start);

    /// <summary>A table without columns.</summary>
    public static byte[] WithoutColumns() => File([], [Group("r", 0)], 0, []);

    /// <summary>A column of 64-bit floats that says that they mean something else.</summary>
    /// <param name="meaning">A <c>ConvertedType</c>.</param>
    public static byte[] Meaning(int meaning) => File(
        [], [Group("r", 1), Fields((1, I32, Number(5)), (3, I32, Number(0)), (4, Binary, Text("a")), (6, I32, Number(meaning)))], 0, []);

    private static byte[] DataHead(int values) => Fields((1, I32, Number(values)), (2, I32, Number(0)), (3, I32, Number(3)), (4, I32, Number(3)));

    private static byte[] OneColumn(
        long rows, int pageBytes, int codec, (int Id, byte Type, byte[] Value)[] head, params (int Id, byte Type, byte[] Value)[] footer) =>
        OneColumn(rows, pageBytes, codec, head, FirstPage, footer);

    private static byte[] OneColumn(
        long rows, int pageBytes, int codec, (int Id, byte Type, byte[] Value)[] head, long start, params (int Id, byte Type, byte[] Value)[] footer)
    {
        byte[] page = [.. Fields(head), .. new byte[Bytes]];
        var column = Fields(
            (1, I32, Number(1)), (2, List, Elements(I32, [Number(0)])), (3, List, Elements(Binary, [Text("a")])), (4, I32, Number(codec)),
            (5, I64, Number(rows)), (6, I64, Number(pageBytes)), (7, I64, Number(page.Length)), (9, I64, Number(start)));
        var group = Fields(
            (1, List, Elements(Struct, [Fields((2, I64, Number(FirstPage)), (3, Struct, column))])), (2, I64, Number(pageBytes)), (3, I64, Number(rows)));
        return File(page, [Group("r", 1), Leaf("a")], rows, [group], footer);
    }

    /// <summary>A member that holds one that holds one: structures, or lists of one element.</summary>
    public static (byte Type, byte[] Value) Within(int levels, bool isList) => isList
        ? (List, [.. Enumerable.Repeat((byte)((1 << 4) | List), levels), 0x13, 0])
        : (Struct, [.. Enumerable.Repeat((byte)((1 << 4) | Struct), levels), .. new byte[levels + 1]]);

    /// <summary>A list of lists of more elements than there is room for, which are of a type that takes none.</summary>
    public static (byte Type, byte[] Value) Endless(byte of) =>
        (List, Elements(List, [.. Enumerable.Repeat<byte[]>([(byte)(0xf0 | of), .. Varint(int.MaxValue)], 1_000)]));

    /// <summary>A column within a group within a group.</summary>
    public static byte[] Nested(int levels) => File([], [Group("r", 1), .. Enumerable.Repeat(Group("g", 1), levels), Leaf("a")], 0, []);

    private static byte[] File(
        byte[] pages, IReadOnlyList<byte[]> schema, long rows, IReadOnlyList<byte[]> groups, params (int Id, byte Type, byte[] Value)[] more)
    {
        var footer = Fields(
            [(1, I32, Number(1)), (2, List, Elements(Struct, schema)), (3, I64, Number(rows)), (4, List, Elements(Struct, groups)), .. more]);
        var length = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, footer.Length);
        return [.. "PAR1"u8, .. pages, .. footer, .. length, .. "PAR1"u8];
    }

    private static byte[] Group(string name, int children) => Fields((3, I32, Number(0)), (4, Binary, Text(name)), (5, I32, Number(children)));

    private static byte[] Leaf(string name) => Fields((1, I32, Number(1)), (3, I32, Number(0)), (4, Binary, Text(name)));

    private static byte[] Fields(params (int Id, byte Type, byte[] Value)[] fields)
    {
        var bytes = new List<byte>();
        var last = 0;
        foreach (var (id, type, value) in fields)
        {
            bytes.Add((byte)(((id - last) << 4) | type));
            bytes.AddRange(value);
            last = id;
        }
        bytes.Add(0);
        return [.. bytes];
    }

    private static byte[] Elements(byte type, IReadOnlyList<byte[]> elements) =>
    [
        .. elements.Count < 15 ? [(byte)((elements.Count << 4) | type)] : (byte[])[(byte)(0xf0 | type), .. Varint((ulong)elements.Count)],
        .. elements.SelectMany(element => element),
    ];

    private static byte[] Text(string text) => [.. Varint((ulong)text.Length), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] Number(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
