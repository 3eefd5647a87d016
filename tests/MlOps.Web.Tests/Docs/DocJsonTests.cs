using System.Text.Json;
using System.Text.Json.Serialization;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing.Docs;

namespace MlOps.Web.Tests.Docs;

/// <summary>JSON of README and docs: definitions, whole or some keys of one, and the body that a webhook gets.</summary>
public sealed class DocJsonTests
{
    private static readonly JsonSerializerOptions Strict = new(Json.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    public static TheoryData<string> Blocks => [.. DocBlock.All.Where(block => block.Language == "json").Select(block => block.ToString())];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Json_is_a_definition_or_the_body_of_a_webhook(string place)
    {
        var text = DocBlock.All.Single(block => block.ToString() == place).Text;

        if (text.StartsWith("{\"type\":", StringComparison.Ordinal))
        {
            var sent = JsonSerializer.Deserialize<WebhookEvent>(text, Strict)!;
            sent.Data.Fields.Should().ContainKey("Model", place);
            return;
        }
        var whole = text.StartsWith('{') ? text : $$"""{"model": "taxi-fare", "target": "fare_amount", {{text}}}""";
        var read = () => DefinitionJson.Read(whole);
        read.Should().NotThrow("{0} is a definition", place);
        // What a definition says beside its defaults, but for the two keys that each has.
        DefinitionJson.Write(read()).Should().NotBe(DefinitionJson.Write(new PipelineDefinition { Model = "taxi-fare", Target = "fare_amount" }), place);
    }
}
