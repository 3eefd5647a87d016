using System.Buffers;
using System.Text.Json;

namespace MlOps.Serving.Predictions;

/// <summary>Writes rows of other shapes as the objects of raw input columns that models are asked with, and keeps them.</summary>
public sealed class RowsBuilder : IDisposable
{
    /// <summary>Cells may be as deep as the body that they come from, and are refused later with a sentence.</summary>
    private const int MostDepth = 1100;

    private readonly ArrayBufferWriter<byte> text = new();
    private readonly Utf8JsonWriter json;
    private JsonDocument? document;

    public RowsBuilder()
    {
        json = new Utf8JsonWriter(text, new JsonWriterOptions { MaxDepth = MostDepth, SkipValidation = true });
        json.WriteStartArray();
    }

    public void Begin() => json.WriteStartObject();

    /// <summary>A cell as it was given.</summary>
    public void Add(string column, JsonElement cell)
    {
        json.WritePropertyName(column);
        cell.WriteTo(json);
    }

    /// <summary>A cell as it stands in a text, in UTF-8.</summary>
    public void Add(string column, ReadOnlySpan<byte> cell) => json.WriteString(column, cell);

    public void End() => json.WriteEndObject();

    /// <summary>The rows, which live as long as this. Nothing can be added after.</summary>
    public IReadOnlyList<JsonElement> Build()
    {
        json.WriteEndArray();
        json.Flush();
        document = JsonDocument.Parse(text.WrittenMemory, new JsonDocumentOptions { MaxDepth = MostDepth });
        return [.. document.RootElement.EnumerateArray()];
    }

    public void Dispose()
    {
        document?.Dispose();
        json.Dispose();
    }
}
