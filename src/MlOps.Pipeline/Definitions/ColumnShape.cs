using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;

namespace MlOps.Pipeline.Definitions;

/// <summary>What is declared about a column: its kind alone, <c>"ignore"</c>, or an object of keys.</summary>
internal sealed class ColumnShape : Shape<ColumnRule>
{
    private const string Ignore = "ignore";

    public override bool TryRead(JsonReader json, string key, out ColumnRule value)
    {
        value = json.Take(key) switch
        {
            { ValueKind: JsonValueKind.String } text when text.ValueEquals(Ignore) => new() { Ignore = true },
            { ValueKind: JsonValueKind.String } => new() { Kind = json.Choice(key, DefinitionNames.Kinds) },
            _ => json.Object(key, ColumnKeys.Column.Read) ?? new(),
        };
        return true;
    }

    public override JsonNode? Write(ColumnRule value, Detail detail)
    {
        if (value == new ColumnRule { Ignore = true })
        {
            return Ignore;
        }
        return value.Kind is { } kind && value == new ColumnRule { Kind = kind } ? DefinitionNames.Kinds.NameOf(kind) : ColumnKeys.Column.Write(value, detail);
    }

    public override JsonObject Describe() => new()
    {
        ["description"] = "The column's kind, \"ignore\", or an object.",
        ["anyOf"] = new JsonArray(new JsonObject { ["enum"] = new JsonArray([.. DefinitionNames.Kinds.Keys, Ignore]) }, ColumnKeys.Column.Describe()),
    };
}
