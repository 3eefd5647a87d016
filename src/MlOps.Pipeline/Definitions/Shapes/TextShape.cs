using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A text. What it may say beyond that is for editors; the rules of the definition as a whole judge it.</summary>
/// <param name="shortest">Fewest characters.</param>
/// <param name="pattern">A regular expression that it matches.</param>
/// <param name="among">The texts that it may be.</param>
/// <param name="examples">Texts that it may be, for editors to offer.</param>
internal sealed class TextShape(int shortest, string? pattern, IEnumerable<string>? among, IEnumerable<string>? examples) : Shape<string>
{
    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out string value)
    {
        value = json.Text(key);
        return value is not null;
    }

    public override JsonNode? Write(string value, Detail detail) => value;

    public override JsonObject Describe()
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (shortest > 0)
        {
            schema["minLength"] = shortest;
        }
        if (pattern is not null)
        {
            schema["pattern"] = pattern;
        }
        if (among is not null)
        {
            schema["enum"] = new JsonArray([.. among]);
        }
        if (examples is not null)
        {
            schema["examples"] = new JsonArray([.. examples]);
        }
        return schema;
    }
}
