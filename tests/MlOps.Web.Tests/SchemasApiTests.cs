using System.Net;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class SchemasApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task The_schema_of_a_definition_is_served_as_one()
    {
        using var response = await Client.GetAsync("/schemas/pipeline.json");

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().Should().Be("application/schema+json; charset=utf-8");
        (await response.Content.ReadAsStringAsync()).Should().Be(DefinitionSchema.Write());
    }

    [Fact]
    public async Task A_definition_may_name_its_schema()
    {
        const string Definition = """{"$schema": "http://127.0.0.1:7071/schemas/pipeline.json", "target": "y"}""";

        var stored = await Client.PutJsonAsync($"/pipelines/{Model}", Definition).ShouldBeAsync(HttpStatusCode.Created);

        stored.AsObject().Should().NotContainKey("$schema");
    }
}
