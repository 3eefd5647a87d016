namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Whether what a Parquet file says of itself fits together: rows of its groups, bytes and values of its pages. Where reading it took more memory than there
/// is, that tells a file that claims what it does not have from a good one on a small machine, whatever its size: a small file may hold very many rows.
/// Nothing is unpacked.
/// </summary>
internal static class ParquetClaims
{
    private const int DictionaryPage = 2;
    private const int IndexPage = 1;
    private const int FirstPage = 4;

    /// <summary>False where the file contradicts itself.</summary>
    public static bool FitTogether(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 13);
            var end = ParquetFooter.Seek(file);
            var (rows, groups) = Footer(new CompactThrift(file));
            return groups.Sum(group => (decimal)group.Rows) == rows && groups.All(group => group.Rows >= 0 && group.Columns.TrueForAll(
                column => Fits(file, column, group.Rows, end)));
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static (long Rows, List<Group> Groups) Footer(CompactThrift thrift)
    {
        var (rows, groups) = (0L, new List<Group>());
        Fields(thrift, (field, type) =>
        {
            switch (field)
            {
                case 3 when CompactThrift.IsNumber(type):
                    rows = thrift.Number();
                    return true;
                case 4 when type == CompactThrift.List:
                    Elements(thrift, () => groups.Add(GroupOf(thrift)));
                    return true;
                default:
                    return false;
            }
        });
        return (rows, groups);
    }

    private static Group GroupOf(CompactThrift thrift)
    {
        var (rows, columns) = (0L, new List<Column>());
        Fields(thrift, (field, type) =>
        {
            switch (field)
            {
                case 1 when type == CompactThrift.List:
                    Elements(thrift, () => columns.Add(ColumnOf(thrift)));
                    return true;
                case 3 when CompactThrift.IsNumber(type):
                    rows = thrift.Number();
                    return true;
                default:
                    return false;
            }
        });
        return new Group(rows, columns);
    }

    private static Column ColumnOf(CompactThrift thrift)
    {
        var numbers = new Numbers();
        Fields(thrift, (field, type) =>
        {
            if (field != 3 || type != CompactThrift.Struct)
            {
                return false;
            }
            numbers = Numbers.Read(thrift);
            return true;
        });
        return new Column(numbers[1], numbers[4], numbers[5], numbers[6], numbers[7], numbers[9], numbers[11]);
    }

    /// <summary>The pages of a column lie one behind the other, within the file, and come to what the column says.</summary>
    private static bool Fits(FileStream file, Column column, long rows, long end)
    {
        var start = column.DictionaryPage > 0 && column.DictionaryPage < column.DataPage ? column.DictionaryPage : column.DataPage;
        if (start < FirstPage || column.Packed < 0 || column.Packed > end - start || column.Values < rows)
        {
            return false;
        }
        var (at, values, unpacked) = (start, 0L, 0L);
        while (at < start + column.Packed)
        {
            file.Seek(at, SeekOrigin.Begin);
            var page = PageOf(new CompactThrift(file));
            if (!page.IsPossible || (column.Codec == 0 ? page.Unpacked != page.Packed : page.Unpacked > MostUnpacked(column.Codec, page.Packed)))
            {
                return false;
            }
            at = file.Position + page.Packed;
            if (page.Kind == DictionaryPage && page.Values * FewestBytes(column.Type) > page.Unpacked)
            {
                return false;
            }
            values += page.Kind is DictionaryPage or IndexPage ? 0 : page.Values;
            unpacked += page.Unpacked;
        }
        return at == start + column.Packed && values == column.Values && unpacked <= column.Unpacked;
    }

    private static Page PageOf(CompactThrift thrift)
    {
        var (kind, unpacked, packed, values) = (0L, 0L, 0L, 0L);
        Fields(thrift, (field, type) =>
        {
            switch (field)
            {
                case 1 when CompactThrift.IsNumber(type):
                    kind = thrift.Number();
                    return true;
                case 2 when CompactThrift.IsNumber(type):
                    unpacked = thrift.Number();
                    return true;
                case 3 when CompactThrift.IsNumber(type):
                    packed = thrift.Number();
                    return true;
                case 5 or 7 or 8 when type == CompactThrift.Struct:
                    values = Numbers.Read(thrift)[1];
                    return true;
                default:
                    return false;
            }
        });
        return new Page(kind, unpacked, packed, values);
    }

    /// <summary>The most that so many bytes can be unpacked to, where the way of packing has a bound.</summary>
    private static double MostUnpacked(long codec, long packed) => codec switch
    {
        // Snappy: 64 bytes by a copy of three. Deflate: 1,032 (its authors' own figure). LZ4: 255 by each byte of a length.
        1 => (packed * 22.0) + 64,
        2 => (packed * 1_100.0) + 64,
        5 or 7 => (packed * 260.0) + 64,
        _ => double.PositiveInfinity,
    };

    /// <summary>Bytes of a value, by its physical type; of texts those of its length.</summary>
    private static long FewestBytes(long type) => type switch
    {
        1 or 4 or 6 => 4,
        2 or 5 => 8,
        3 => 12,
        _ => 0,
    };

    /// <param name="thrift">At the start of a structure.</param>
    /// <param name="read">Takes a field, by its id and type; false: nobody asks for it.</param>
    private static void Fields(CompactThrift thrift, Func<int, int, bool> read)
    {
        for (var field = 0; thrift.Next(ref field) is > 0 and var type;)
        {
            if (!read(field, type))
            {
                thrift.Skip(type);
            }
        }
    }

    private static void Elements(CompactThrift thrift, Action read)
    {
        var (elements, type) = thrift.Head();
        if (type != CompactThrift.Struct)
        {
            throw new InvalidDataException("The footer has something else than structures.");
        }
        for (var i = 0UL; i < elements; i++)
        {
            read();
        }
    }

    /// <summary>The whole numbers of a structure, by the ids of their fields; 0: it has none of that id.</summary>
    private readonly struct Numbers()
    {
        private readonly Dictionary<int, long> found = [];

        public long this[int field] => found.GetValueOrDefault(field);

        public static Numbers Read(CompactThrift thrift)
        {
            var numbers = new Numbers();
            Fields(thrift, (field, type) =>
            {
                if (!CompactThrift.IsNumber(type))
                {
                    return false;
                }
                numbers.found[field] = thrift.Number();
                return true;
            });
            return numbers;
        }
    }

    private sealed record Group(long Rows, List<Column> Columns);

    private sealed record Column(long Type, long Codec, long Values, long Unpacked, long Packed, long DataPage, long DictionaryPage);

    private sealed record Page(long Kind, long Unpacked, long Packed, long Values)
    {
        /// <summary>Sizes and counts are 32-bit numbers, and a page that has none of them is none.</summary>
        public bool IsPossible => Unpacked is >= 0 and <= int.MaxValue && Packed is >= 0 and <= int.MaxValue && Values is >= 0 and <= int.MaxValue
            && Unpacked + Packed + Values > 0;
    }
}
