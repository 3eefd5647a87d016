using System.Text;

namespace MlOps.Drift.Profiles;

/// <summary>A table's profile as bytes.</summary>
public static class ProfileFile
{
    /// <summary>Stands in the file's name too: profiles of another layout are computed again.</summary>
    public const string Name = "drift-profile-1.bin";

    public static void Write(Stream stream, TableProfile profile)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write7BitEncodedInt(profile.Columns.Count);
        foreach (var (name, column) in profile.Columns)
        {
            writer.Write(name);
            writer.Write(column.Missing);
            writer.Write(column.Count);
            writer.Write(column is NumericProfile);
            if (column is NumericProfile numbers)
            {
                Write(writer, numbers);
            }
            else
            {
                Write(writer, (CategoryProfile)column);
            }
        }
    }

    public static TableProfile Read(Stream stream)
    {
        using var reader = new BinaryReader(stream, Encoding.UTF8, leaveOpen: true);
        var columns = new Dictionary<string, ColumnProfile>(StringComparer.Ordinal);
        for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
        {
            var name = reader.ReadString();
            var (missing, total) = (reader.ReadInt64(), reader.ReadInt64());
            columns[name] = reader.ReadBoolean() ? ReadNumbers(reader, missing, total) : ReadCategories(reader, missing, total);
        }
        return new TableProfile(columns);
    }

    private static void Write(BinaryWriter writer, NumericProfile numbers)
    {
        writer.Write(numbers.Mean);
        writer.Write(numbers.SquaredDeviations);
        writer.Write(numbers.IsExact);
        writer.Write7BitEncodedInt(numbers.Values.Length);
        for (var i = 0; i < numbers.Values.Length; i++)
        {
            writer.Write(numbers.Values[i]);
            writer.Write7BitEncodedInt64(numbers.Counts[i]);
            if (numbers.Buckets is { } buckets)
            {
                writer.Write(buckets.Low[i]);
                writer.Write(buckets.High[i]);
            }
        }
    }

    private static NumericProfile ReadNumbers(BinaryReader reader, long missing, long total)
    {
        var (mean, squares, isExact, length) = (reader.ReadDouble(), reader.ReadDouble(), reader.ReadBoolean(), reader.Read7BitEncodedInt());
        var numbers = new NumericProfile
        {
            Missing = missing,
            Total = total,
            Mean = mean,
            SquaredDeviations = squares,
            Values = new double[length],
            Counts = new long[length],
            Buckets = isExact ? null : (new double[length], new double[length]),
        };
        for (var i = 0; i < length; i++)
        {
            numbers.Values[i] = reader.ReadDouble();
            numbers.Counts[i] = reader.Read7BitEncodedInt64();
            if (numbers.Buckets is { } buckets)
            {
                (buckets.Low[i], buckets.High[i]) = (reader.ReadDouble(), reader.ReadDouble());
            }
        }
        return numbers;
    }

    private static void Write(BinaryWriter writer, CategoryProfile categories)
    {
        writer.Write7BitEncodedInt(categories.Counts.Count);
        foreach (var (category, count) in categories.Counts)
        {
            writer.Write(category);
            writer.Write7BitEncodedInt64(count);
        }
        writer.Write(categories.Hashed is not null);
        foreach (var count in categories.Hashed ?? [])
        {
            writer.Write7BitEncodedInt64(count);
        }
    }

    private static CategoryProfile ReadCategories(BinaryReader reader, long missing, long total)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var left = reader.Read7BitEncodedInt(); left > 0; left--)
        {
            counts[reader.ReadString()] = reader.Read7BitEncodedInt64();
        }
        var hashed = reader.ReadBoolean() ? new long[CategoryHash.Buckets] : null;
        for (var i = 0; i < (hashed?.Length ?? 0); i++)
        {
            hashed![i] = reader.Read7BitEncodedInt64();
        }
        return new CategoryProfile { Counts = counts, Hashed = hashed, Missing = missing, Total = total };
    }
}
