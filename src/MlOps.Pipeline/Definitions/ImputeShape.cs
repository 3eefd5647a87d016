using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;

namespace MlOps.Pipeline.Definitions;

/// <summary>How nulls are filled: the name of a strategy, or <c>{"constant": 0}</c>.</summary>
internal sealed class ImputeShape : Shape<ImputeRule>
{
    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out ImputeRule value)
    {
        value = json.Take(key) switch
        {
            null => null,
            { ValueKind: JsonValueKind.Object } => json.Object(key, ColumnKeys.Constant.Read),
            _ => json.Choice(key, DefinitionNames.Strategies) is { } strategy ? new ImputeRule(strategy) : null,
        };
        return value is not null;
    }

    public override JsonNode? Write(ImputeRule value, Detail detail) =>
        value.Strategy == ImputeStrategy.Constant ? ColumnKeys.Constant.Write(value, detail) : DefinitionNames.Strategies.NameOf(value.Strategy);

    public override JsonObject Describe()
    {
        // The rules of the definition as a whole say what a rule without its constant needs, in words of their own.
        var constant = ColumnKeys.Constant.Describe();
        constant["required"] = new JsonArray("constant");
        return new() { ["anyOf"] = new JsonArray(new JsonObject { ["enum"] = new JsonArray([.. DefinitionNames.Strategies.Keys]) }, constant) };
    }
}
