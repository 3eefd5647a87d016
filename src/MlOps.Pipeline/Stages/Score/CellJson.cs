using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>
/// Cells of a table as the JSON that a caller of <c>/predict</c> would send for them: what a cell means to the model is decided in one place, and a table is
/// read as a request is.
/// </summary>
internal sealed class CellJson
{
    private const string TooLarge = "1e999";

    /// <summary>The time in microseconds that the calendar begins and ends with.</summary>
    private static readonly long Earliest = (DateTime.MinValue - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static readonly long Latest = (DateTime.MaxValue - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private readonly IReadOnlyList<(DatasetColumn Column, JsonEncodedText Name)> inputs;
    private readonly Dictionary<string, int> places;
    private readonly bool marksUnparseable;

    /// <param name="raw">The table.</param>
    /// <param name="signature">What the model reads.</param>
    /// <exception cref="InputException">The table lacks columns that the model reads; all are named.</exception>
    public CellJson(DatasetManifest raw, Signature signature)
    {
        Check(raw.Columns, signature);
        places = raw.Columns.Select((column, place) => (column.Name, place)).ToDictionary(StringComparer.Ordinal);
        inputs = [.. signature.Inputs.Select(input => (raw.Columns[places[input.Name]], JsonEncodedText.Encode(input.Name)))];
        marksUnparseable = raw.Notes[DatasetNotes.Unparseable]?.GetValue<bool>() ?? false;
    }

    /// <summary>The columns to read, in order.</summary>
    public IEnumerable<string> Columns =>
        inputs.Select(input => input.Column.Name).Concat(marksUnparseable ? [ColumnNames.Unparseable] : Array.Empty<string>());

    /// <exception cref="InputException">The table lacks columns that the model reads; all are named.</exception>
    public static void Check(IReadOnlyList<DatasetColumn> columns, Signature signature)
    {
        var names = columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var missing = signature.Inputs.Select(input => input.Name).Where(name => !names.Contains(name)).ToList();
        if (missing.Count > 0)
        {
            throw new InputException([.. missing.Select(name =>
                $"Column '{name}' is missing in the table, and the model reads it{NearestName.Ending(name, names)} Give a table that has the column; where it "
                    + "has no values, an empty one.")]);
        }
    }

    /// <summary>Rows of a chunk as a JSON array. May be called from several threads at once.</summary>
    /// <param name="vectors">The columns.</param>
    /// <param name="from">The first row.</param>
    /// <param name="until">The row after the last.</param>
    /// <param name="rows">Rows of the chunk.</param>
    public CellRows Read(DuckVector[] vectors, int from, int until, int rows)
    {
        var text = new ArrayBufferWriter<byte>((until - from) * inputs.Count * 24);
        var problems = new List<(int Row, string Problem)>();
        using (var writer = new Utf8JsonWriter(text, new JsonWriterOptions { SkipValidation = true }))
        {
            writer.WriteStartArray();
            for (var row = from; row < until; row++)
            {
                if (marksUnparseable && ProblemOf(vectors, row) is { } unreadable)
                {
                    problems.Add((row, unreadable));
                }
                writer.WriteStartObject();
                for (var i = 0; i < inputs.Count; i++)
                {
                    writer.WritePropertyName(inputs[i].Name);
                    Write(writer, inputs[i].Column.Type, vectors[i], row, rows);
                }
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        return new CellRows(JsonDocument.Parse(text.WrittenMemory), problems);
    }

    private static void Write(Utf8JsonWriter writer, StorageType type, DuckVector cells, int row, int rows)
    {
        if (cells.IsNull(row))
        {
            writer.WriteNullValue();
            return;
        }
        switch (type)
        {
            case StorageType.Double when cells.Values<double>(rows)[row] is var number && double.IsFinite(number):
                writer.WriteNumberValue(number);
                break;
            case StorageType.Double when double.IsNaN(cells.Values<double>(rows)[row]):
                writer.WriteNullValue();
                break;
            case StorageType.Double:
                writer.WriteRawValue(TooLarge, skipInputValidation: true);
                break;
            case StorageType.Boolean:
                writer.WriteBooleanValue(cells.Values<bool>(rows)[row]);
                break;
            case StorageType.Timestamp when cells.Values<long>(rows)[row] is var time && time >= Earliest && time <= Latest:
                writer.WriteStringValue(DateTime.UnixEpoch.AddTicks(time * TimeSpan.TicksPerMicrosecond).ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.FFFFFF", CultureInfo.InvariantCulture));
                break;
            case StorageType.Timestamp:
                writer.WriteStringValue("a time beyond the calendar");
                break;
            default:
                writer.WriteStringValue(cells.Utf8(row));
                break;
        }
    }

    /// <summary>
    /// A cell that could not be read is null in the table, and only the first of a row is named: where that is a column which the model does not read, whether
    /// one behind it is missing or could not be read is not known, and nothing is made up.
    /// </summary>
    private string? ProblemOf(DuckVector[] vectors, int row)
    {
        var marks = vectors[inputs.Count];
        if (marks.IsNull(row))
        {
            return null;
        }
        var unreadable = Encoding.UTF8.GetString(marks.Utf8(row));
        if (inputs.FirstOrDefault(input => input.Column.Name == unreadable).Column is { } cause)
        {
            return $"feature '{unreadable}' cannot be read as {Wanted(cause.Type)}.";
        }
        for (var i = 0; i < inputs.Count; i++)
        {
            var column = inputs[i].Column;
            if (column.Type != StorageType.Varchar && vectors[i].IsNull(row) && places[column.Name] > places[unreadable])
            {
                return $"feature '{column.Name}' is missing, or cannot be read as {Wanted(column.Type)}: column '{unreadable}' of the row cannot be read "
                    + "either.";
            }
        }
        return null;
    }

    private static string Wanted(StorageType type) => type switch
    {
        StorageType.Double => "a number",
        StorageType.Boolean => "true or false",
        _ => "a datetime",
    };
}

/// <summary>Rows of a table as JSON.</summary>
/// <param name="Rows">An array of objects.</param>
/// <param name="Problems">Rows of which cells could not be read, by their place in the chunk.</param>
internal sealed record CellRows(JsonDocument Rows, IReadOnlyList<(int Row, string Problem)> Problems) : IDisposable
{
    public void Dispose() => Rows.Dispose();
}
