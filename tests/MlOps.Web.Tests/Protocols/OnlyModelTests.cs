using System.Net;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Registry;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>Which model answers MLflow's scoring without a name depends on all that there are: this test has a storage of its own.</summary>
public sealed class OnlyModelTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    [Fact]
    public async Task Without_a_name_the_only_model_in_production_answers_and_of_several_the_names_are_told()
    {
        await using var host = await WebHost.StartAsync(azurite.NewStorage());
        var registry = host.Get<ModelRegistry>();
        var ask = () => host.Client.PostJsonAsync("/invocations", """{"inputs": {"a": 1}}""");

        var none = await ask().ShouldBeAsync(HttpStatusCode.ServiceUnavailable);
        await registry.AddVersionAsync("waits");
        await registry.AddProductionAsync("only");
        var only = await ask().ShouldBeAsync(HttpStatusCode.OK);
        await registry.AddProductionAsync("other");
        JsonNode? several = null;
        await Eventually.IsTrueAsync(async () =>
        {
            using var answer = await ask();
            several = JsonNode.Parse(await answer.Content.ReadAsStringAsync());
            return answer.StatusCode == HttpStatusCode.BadRequest;
        });

        ((string)none["error_code"]!).Should().Be("TEMPORARILY_UNAVAILABLE");
        only.ToJsonString().Should().Be("""{"predictions":[1]}""");
        ((string)several!["message"]!).Should().Contain("only, other").And.NotContain("waits");
    }
}
