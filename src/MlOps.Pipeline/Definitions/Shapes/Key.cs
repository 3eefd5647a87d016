using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>One key of a record's object.</summary>
/// <param name="Name">As it is written.</param>
/// <param name="Description">One sentence for who writes it.</param>
/// <param name="Read">The record with the key's value; the record itself when the key is absent or wrong.</param>
/// <param name="Write">The record's value; null when it has none.</param>
/// <param name="Describe">The JSON Schema of its values.</param>
internal sealed record Key<TRecord>(
    string Name, string Description, Func<JsonReader, TRecord, TRecord> Read, Func<TRecord, Detail, JsonNode?> Write, Func<JsonObject> Describe)
{
    public bool IsRequired { get; init; }

    /// <summary>Whether the key is younger than identities that are kept; see <see cref="Detail.Identity"/>.</summary>
    public bool IsLater { get; init; }
}
