using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;

namespace MlOps.Pipeline.Definitions;

/// <summary>A signal's thresholds, <c>"record"</c> to have it recorded only, or <c>"off"</c>.</summary>
internal sealed class SignalShape<TRule>(TRule usual, ObjectShape<TRule> rule) : Shape<TRule>
    where TRule : SignalRule
{
    private static readonly ChoiceShape<SignalMode> Mode = Shape.Choice(DefinitionNames.SignalModes);

    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out TRule value)
    {
        if (json.Take(key) is { ValueKind: JsonValueKind.String })
        {
            value = Mode.TryRead(json, key, out var mode) ? usual with { Mode = mode } : null;
            return value is not null;
        }
        return rule.TryRead(json, key, out value);
    }

    public override JsonNode? Write(TRule value, Detail detail) =>
        value.Mode == SignalMode.Judge ? rule.Write(value, detail) : Mode.Write(value.Mode, detail);

    public override JsonObject Describe() => new()
    {
        ["anyOf"] = new JsonArray(rule.Describe(), Mode.Describe()),
    };
}
