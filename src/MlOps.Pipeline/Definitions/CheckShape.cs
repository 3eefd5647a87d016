using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>A check of the host's own: its name alone, or an object with its options.</summary>
internal sealed class CheckShape : Shape<CheckRule>
{
    private static readonly TextShape Name = Text(pattern: ExtensionNames.Pattern);

    private static ObjectShape<CheckRule> Rule { get; } = Object(new CheckRule(""), isBrief: true)
        .Key("check", "Name of the check.", Name,
            rule => rule.Check, (rule, value) => rule with { Check = value }).Required()
        .Key("options", "What the check is told.", new OptionsShape(),
            rule => rule.Options, (rule, value) => rule with { Options = value });

    public override bool TryRead(JsonReader json, string key, out CheckRule value)
    {
        value = json.Take(key) is { ValueKind: JsonValueKind.String } name
            ? new CheckRule(name.GetString()!)
            : json.Object(key, Rule.Read) ?? new CheckRule("");
        return true;
    }

    public override JsonNode? Write(CheckRule value, Detail detail) => value.Options is null ? value.Check : Rule.Write(value, detail);

    public override JsonObject Describe() => new()
    {
        ["description"] = "The check's name, or an object.",
        ["anyOf"] = new JsonArray(Name.Describe(), Rule.Describe()),
    };
}
