using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>Histories, work items and what runs leave in storage are searched for the secrets of the settings.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class DurableSecretsTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task No_history_and_no_row_of_a_run_has_a_secret()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (call, context, _) =>
        {
            context.Response.StatusCode = call == 1 ? 200 : 404;
            return Task.CompletedTask;
        };
        await using var host = await DurableHost.StartAsync(
            azurite, await Backends.AzureStorageAsync(azurite), services => services.AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url }));
        var good = await host.EndOfAsync(await host.SubmitAsync(Trips.Definition(), Trips.Csv(300)));
        var bad = await host.EndOfAsync(await host.SubmitAsync(Trips.Definition() with { Target = "nothing" }, Trips.Csv(100)));
        (good.Run.State, bad.Run.State).Should().Be((RunState.Succeeded, RunState.Failed));
        slack.Calls.Should().HaveCount(2);

        var stored = await StoredTexts.OfAsync(azurite.ConnectionString);

        stored.WhereIs(good.Run.RunId).Should()
            .Contain(where => where.Contains("History", StringComparison.Ordinal), "what is searched has the histories in it");
        stored.WhereIs(SlackEndpoint.Secret).Should().BeEmpty();
        var key = azurite.ConnectionString.Split(';').Single(part => part.StartsWith("AccountKey=", StringComparison.Ordinal))["AccountKey=".Length..];
        stored.WhereIs(key).Should().BeEmpty();
    }
}
