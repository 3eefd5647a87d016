using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing.Docs;

namespace MlOps.Web.Tests.Docs;

/// <summary>JSON of README and docs: definitions, whole or some keys of one, the body that a webhook gets, and the event of a new file.</summary>
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
    public void Json_is_a_definition_the_body_of_a_webhook_or_an_event(string place)
    {
        var text = DocBlock.All.Single(block => block.ToString() == place).Text;

        if (text.StartsWith("{\"type\":", StringComparison.Ordinal))
        {
            var sent = JsonSerializer.Deserialize<WebhookEvent>(text, Strict)!;
            sent.Data.Fields.Should().ContainKey("Model", place);
            return;
        }
        if (text.StartsWith('['))
        {
            IsOneThatTheDeploymentSubscribesTo(JsonNode.Parse(text)![0]!);
            return;
        }
        var whole = text.StartsWith('{') ? text : $$"""{"model": "taxi-fare", "target": "fare_amount", {{text}}}""";
        var read = () => DefinitionJson.Read(whole);
        read.Should().NotThrow("{0} is a definition", place);
        // What a definition says beside its defaults, but for the two keys that each has.
        DefinitionJson.Write(read()).Should().NotBe(DefinitionJson.Write(new PipelineDefinition { Model = "taxi-fare", Target = "fare_amount" }), place);
    }

    private static void IsOneThatTheDeploymentSubscribesTo(JsonNode sent)
    {
        var subscription = DocBlock.Read("infra/events.bicep");
        var (type, subject, file) = ((string)sent["eventType"]!, (string)sent["subject"]!, new Uri((string)sent["data"]!["url"]!));

        subscription.Should().Contain($"includedEventTypes: ['{type}']").And.Contain("subjectBeginsWith: '/blobServices/default/containers/raw/'");
        subject.Should().Be($"/blobServices/default/containers/raw/blobs/{file.AbsolutePath["/raw/".Length..]}");
    }
}
