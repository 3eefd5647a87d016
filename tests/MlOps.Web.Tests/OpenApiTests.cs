using System.Net;
using System.Text.Json.Nodes;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class OpenApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    /// <summary>Routes whose protocol has its own shape of errors.</summary>
    private static readonly string[] OwnShapes = [" /v2", "/invocations"];

    [Fact]
    public async Task Every_route_is_described()
    {
        var routes = Operations(await DocumentAsync()).Select(operation => operation.Route);

        routes.Should().BeEquivalentTo(
            "GET /", "GET /health", "GET /ping", "GET /metrics", "GET /audit", "POST /predict", "POST /invocations",
            "POST /models/{name}/invocations", "GET /version",
            "GET /v2", "GET /v2/health/live", "GET /v2/health/ready", "GET /v2/models/{model}", "GET /v2/models/{model}/ready",
            "POST /v2/models/{model}/infer", "GET /v2/models/{model}/versions/{version}", "GET /v2/models/{model}/versions/{version}/ready",
            "POST /v2/models/{model}/versions/{version}/infer",
            "GET /datasets/{model}/versions", "GET /datasets/{model}/versions/{version}", "GET /datasets/{model}/versions/{version}/content",
            "GET /datasets/{model}/diff", "GET /datasets/{model}/tags", "PUT /datasets/{model}/tags/{tag}", "DELETE /datasets/{model}/tags/{tag}",
            "POST /datasets/{model}/restore", "POST /datasets/{model}/from-predictions", "POST /datasets/gc", "GET /datasets/{model}/verify",
            "GET /lineage/{kind}/{id}",
            "GET /pipelines", "GET /pipelines/{model}", "PUT /pipelines/{model}", "DELETE /pipelines/{model}", "POST /pipelines/{model}/runs",
            "POST /pipelines/{model}/infer", "POST /models/{name}/versions/{version}/try",
            "GET /schemas/pipeline.json", "GET /runs", "GET /runs/{id}", "DELETE /runs/{id}", "GET /runs/{id}/artifacts/{path}",
            "GET /runs/{id}/stages/{stage}/log", "GET /runs/{id}/events",
            "POST /runs/{id}/approve", "POST /runs/{id}/reject", "POST /runs/{id}/cancel", "POST /runs/{id}/retry",
            "POST /runs/{id}/reproduction", "GET /runs/{id}/reproduction",
            "GET /models", "GET /models/{name}", "GET /models/{name}/versions", "GET /models/{name}/versions/{version}", "GET /raw", "GET /raw/{model}",
            "GET /models/{name}/drift", "GET /models/{name}/drift/page", "GET /models/{name}/monitoring",
            "GET /models/{name}/traffic", "GET /models/{name}/traffic/comparison", "POST /feedback",
            "PUT /models/{name}/traffic", "POST /models/{name}/canary", "POST /models/{name}/score", "DELETE /models/{name}/traffic",
            "GET /models/{name}/predictions", "DELETE /models/{name}/predictions", "POST /raw/{model}/{file}/upload-url",
            "DELETE /models/{name}", "DELETE /models/{name}/versions/{version}", "DELETE /models/{name}/aliases/{alias}",
            "PUT /models/{name}/aliases/{alias}", "POST /models/{name}/rollback", "PUT /raw/{model}/{file}", "DELETE /raw/{model}/{file}");
    }

    [Fact]
    public async Task Every_route_has_a_summary_an_answer_with_a_schema_and_problems()
    {
        foreach (var (route, operation) in Operations(await DocumentAsync()))
        {
            ((string?)operation["summary"]).Should().NotBeNullOrWhiteSpace(route);
            var answers = operation["responses"]!.AsObject();
            answers.Where(answer => answer.Key[0] == '2').Should().NotBeEmpty(route)
                .And.OnlyContain(answer => answer.Key == "204" || answer.Value!["content"]!.AsObject().All(type => type.Value!["schema"] != null), route);
            var problem = answers["500"]!["content"]!.AsObject().Single();
            problem.Key.Should().Be(OwnShapes.Any(route.Contains) ? "application/json" : "application/problem+json", route);
            problem.Value!["schema"].Should().NotBeNull(route);
        }
    }

    [Fact]
    public async Task The_ways_in_are_described()
    {
        var document = await DocumentAsync();

        document["components"]!["securitySchemes"]!.AsObject().Select(scheme => scheme.Key).Should().BeEquivalentTo("bearer", "basic", "header");
        document["security"]!.AsArray().Select(way => way!.AsObject().Single().Key).Should().BeEquivalentTo("bearer", "basic", "header");
        document["paths"]!["/health"]!["get"]!["security"]!.AsArray().Should().BeEmpty();
        ((string)document["paths"]!["/models/{name}/rollback"]!["post"]!["description"]!).Should().Be("For role admin.");
    }

    [Fact]
    public async Task Bodies_have_schema_and_example()
    {
        var document = await DocumentAsync();
        var bodies = Operations(document).Where(operation => operation.Operation["requestBody"] is not null)
            .ToDictionary(operation => operation.Route, operation => operation.Operation["requestBody"]!);

        bodies.Keys.Should().BeEquivalentTo(
            "POST /predict", "POST /feedback", "PUT /pipelines/{model}", "POST /pipelines/{model}/infer",
            "POST /models/{name}/versions/{version}/try", "POST /pipelines/{model}/runs", "POST /runs/{id}/approve", "POST /runs/{id}/reject",
            "POST /runs/{id}/cancel",
            "PUT /models/{name}/aliases/{alias}", "PUT /models/{name}/traffic", "POST /models/{name}/canary", "POST /models/{name}/score",
            "POST /models/{name}/rollback",
            "PUT /raw/{model}/{file}",
            "PUT /datasets/{model}/tags/{tag}", "POST /datasets/{model}/from-predictions",
            "POST /datasets/{model}/restore", "POST /datasets/gc", "POST /invocations", "POST /models/{name}/invocations", "POST /v2/models/{model}/infer",
            "POST /v2/models/{model}/versions/{version}/infer");
        foreach (var (route, body) in bodies.Where(body => body.Key != "PUT /raw/{model}/{file}"))
        {
            body["content"]!["application/json"]!["schema"].Should().NotBeNull(route);
            body["content"]!["application/json"]!["example"].Should().NotBeNull(route);
        }
        ((bool?)bodies["POST /predict"]["required"]).Should().BeTrue();
        ((bool?)bodies["POST /runs/{id}/reject"]["required"]).Should().NotBe(true);
    }

    [Fact]
    public async Task Operations_have_names_of_their_own_and_say_who_is_refused()
    {
        var operations = Operations(await DocumentAsync()).ToList();

        operations.Select(operation => (string)operation.Operation["operationId"]!).Should().OnlyHaveUniqueItems().And.Contain(
            [
                "getHome", "getModelsByNameVersionsByVersion", "postPredict", "getSchemasPipelineJson", "postV2ModelsByModelInfer",
                "postRawByModelByFileUploadUrl",
            ]);
        foreach (var (route, operation) in operations)
        {
            var statuses = operation["responses"]!.AsObject().Select(answer => answer.Key).ToList();
            statuses.Should().Contain("421", route);
            statuses.Contains("401").Should().Be(statuses.Contains("403")).And.Be((string)operation["description"]! != "For anybody.", route);
        }
    }

    [Fact]
    public async Task Rows_may_be_sent_as_texts()
    {
        var predict = (await DocumentAsync())["paths"]!["/predict"]!["post"]!;

        predict["requestBody"]!["content"]!.AsObject().Select(type => type.Key).Should().Equal("application/json", "text/csv", "application/x-ndjson");
        predict["responses"]!["200"]!["content"]!.AsObject().Select(type => type.Key).Should().Equal("application/json", "text/csv", "application/x-ndjson");
        ((string)predict["parameters"]!.AsArray().Single()!["name"]!).Should().Be("model");
    }

    [Fact]
    public async Task Summaries_are_those_of_the_route_table() =>
        ((string)(await DocumentAsync())["paths"]!["/health"]!["get"]!["summary"]!).Should()
            .Be("Whether storage answers, and which production versions are loaded");

    [Fact]
    public async Task A_prediction_is_one_or_many()
    {
        var answers =
            (await DocumentAsync())["paths"]!["/predict"]!["post"]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!["anyOf"]!.AsArray();

        answers.Select(answer => (string)answer!["$ref"]!).Should().Equal("#/components/schemas/PredictedRow", "#/components/schemas/PredictedRows");
    }

    [Fact]
    public async Task Members_that_may_be_left_out_are_not_required_and_numbers_are_no_objects()
    {
        var document = await DocumentAsync();
        var predicted = document["components"]!["schemas"]!["PredictedRow"]!;
        var request = document["paths"]!["/predict"]!["post"]!["requestBody"]!["content"]!["application/json"]!["schema"]!;

        Required(predicted).Should().Contain(["model", "version"]).And.NotContain("probability");
        var bodies = request["oneOf"]!.AsArray().Select(body => document["components"]!["schemas"]![((string)body!["$ref"]!).Split('/')[^1]]!).ToList();
        bodies.Select(body => Required(body).Single()).Should().Equal("features", "rows");
        bodies.Should().OnlyContain(body => (bool)body["additionalProperties"]! == false, "each tells what it is by its keys");
        predicted["properties"]!["probability"]!.AsObject().Should().NotContainKey("type").And.ContainKey("anyOf");
    }

    [Fact]
    public async Task A_problem_may_list_several() =>
        (await DocumentAsync())["components"]!["schemas"]!["ProblemDetails"]!["properties"]!.AsObject().Should().ContainKey("problems");

    [Fact]
    public async Task Every_reference_leads_somewhere()
    {
        var document = await DocumentAsync();
        var schemas = document["components"]!["schemas"]!.AsObject().Select(schema => "#/components/schemas/" + schema.Key).ToList();

        References(document).Should().NotBeEmpty().And.BeSubsetOf(schemas);
    }

    [Fact]
    public async Task The_example_of_a_definition_is_a_definition()
    {
        var document = await DocumentAsync();
        var example = document["components"]!["schemas"]!["PipelineDefinition"]!["examples"]![0]!.AsObject();
        example.Remove("model");

        await Client.PutJsonAsync($"/pipelines/{Model}", example.ToJsonString()).ShouldBeAsync(HttpStatusCode.Created);
    }

    private Task<JsonNode> DocumentAsync() => Client.GetAsync("/openapi.json").ShouldBeAsync(HttpStatusCode.OK);

    private static IEnumerable<(string Route, JsonNode Operation)> Operations(JsonNode document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select ($"{operation.Key.ToUpperInvariant()} {path.Key}", operation.Value);

    private static IEnumerable<string> Required(JsonNode schema) => (schema["required"]?.AsArray() ?? []).Select(name => (string)name!);

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject json => json.SelectMany(member => member is { Key: "$ref", Value: JsonValue target } ? [(string)target!] : References(member.Value)),
        JsonArray array => array.SelectMany(References),
        _ => [],
    };
}
