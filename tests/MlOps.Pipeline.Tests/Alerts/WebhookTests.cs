using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Alerts;

/// <summary>Events go to an address of the settings, signed.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class WebhookTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly ConcurrentQueue<(string Id, string Timestamp, string Signature, string Body)> calls = new();
    private readonly WebApplication receiver = Build();

    public async Task InitializeAsync()
    {
        receiver.MapPost("/hook", async (HttpRequest request, HttpResponse response) =>
        {
            using var reader = new StreamReader(request.Body);
            calls.Enqueue((
                request.Headers["webhook-id"].ToString(), request.Headers["webhook-timestamp"].ToString(), request.Headers["webhook-signature"].ToString(),
                await reader.ReadToEndAsync()));
            response.StatusCode = calls.Count == 1 ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status204NoContent;
        });
        await receiver.StartAsync();
    }

    public async Task DisposeAsync() => await receiver.DisposeAsync();

    [Fact]
    public async Task An_event_is_signed_and_tried_again_as_the_same()
    {
        var options = new AlertOptions
        {
            Webhook = new WebhookTarget(new Uri(receiver.Urls.First() + "/hook"), Secret),
            BaseUrl = new Uri("https://mlops.example/team"),
            FirstDelay = TimeSpan.FromMilliseconds(10),
        };
        await using var host = new PipelineHost(azurite, services => services.AddSingleton(options));

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(300, seed: 17)));

        run.Alerts.Single().Deliveries.Should().Equal(
            new AlertDelivery("slack", AlertState.NotSent, "No Slack webhook is set."), new AlertDelivery("webhook", AlertState.Sent));
        calls.Should().HaveCount(2);
        calls.Distinct().Should().ContainSingle("the second attempt is the same message");
        var (id, timestamp, signature, body) = calls.First();
        id.Should().StartWith("msg_");
        var signed = HMACSHA256.HashData(Convert.FromBase64String(Secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}"));
        signature.Should().Be("v1," + Convert.ToBase64String(signed));
        var told = JsonDocument.Parse(body).RootElement;
        told.GetProperty("type").GetString().Should().Be("promotionSucceeded");
        var data = told.GetProperty("data");
        data.GetProperty("title").GetString().Should().EndWith("version 1 is in production");
        data.GetProperty("fields").GetProperty("Version").GetString().Should().Be("1");
        data.GetProperty("url").GetString().Should().Be($"https://mlops.example/team/runs/{run.Run.RunId}");
    }

    /// <summary>The example of the specification's own libraries.</summary>
    [Fact]
    public void The_key_is_what_stands_behind_its_prefix()
    {
        var target = new WebhookTarget(new Uri("https://hooks.example/in"), Secret);

        Convert.ToBase64String(target.Key).Should().Be(Secret["whsec_".Length..]);
        $"{new AlertOptions { Webhook = target }}".Should().NotContain("whsec").And.NotContain("hooks.example").And.Contain("Webhook = True");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_AAAA")]
    [InlineData("whsec_no base64!")]
    [InlineData("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    public void A_webhook_without_a_key_is_refused(string? secret)
    {
        var given = new Dictionary<string, string?> { ["Alerts:WebhookUrl"] = "https://hooks.example/in", ["Alerts:WebhookSecret"] = secret };
        var settings = new ConfigurationBuilder().AddInMemoryCollection(given).Build();

        var read = () => AlertSettings.Read(settings, new Uri("http://127.0.0.1:7071"));

        read.Should().Throw<InputException>().WithMessage("The setting Alerts:WebhookSecret must be*").Which.Message.Should().NotContain("MfKQ9r8");
    }

    private static WebApplication Build()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        return builder.Build();
    }
}
