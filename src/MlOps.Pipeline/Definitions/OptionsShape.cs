using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>Options of a trainer or check, by name; numbers and flags are kept as the text they were written with.</summary>
internal sealed class OptionsShape : Shape<ExtensionOptions>
{
    private static readonly MapShape<string> Values = Map(Scalar());

    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out ExtensionOptions value)
    {
        value = Values.TryRead(json, key, out var values) ? new ExtensionOptions(values) : null;
        return value is not null;
    }

    public override JsonNode? Write(ExtensionOptions value, Detail detail) => Values.Write(value.Values, detail);

    public override JsonObject Describe() => Values.Describe();
}
