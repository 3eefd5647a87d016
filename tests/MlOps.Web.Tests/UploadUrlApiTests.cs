using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class UploadUrlApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_file_is_uploaded_to_the_address_and_nothing_else_is_done_with_it()
    {
        var answer = await AskAsync(Host, "donn%C3%A9es%20(2).csv").ShouldBeAsync(HttpStatusCode.OK);
        using var plain = new HttpClient();
        var url = (string)answer["url"]!;

        (await UploadAsync(plain, answer, "a,b\n1,2\n")).StatusCode.Should().Be(HttpStatusCode.Created);

        ((string)answer["source"]!).Should().Be($"raw/{Model}/données (2).csv");
        var stored = Host.Storage.Raw.GetBlobClient($"{Model}/données (2).csv");
        (await stored.DownloadContentAsync()).Value.Content.ToString().Should().Be("a,b\n1,2\n");
        (await plain.GetAsync(url)).StatusCode.Should().Be(HttpStatusCode.Forbidden, "it is not for reading");
        (await plain.DeleteAsync(url)).StatusCode.Should().Be(HttpStatusCode.Forbidden, "nor for deleting");
        var elsewhere = url.Replace("%282%29", "%283%29", StringComparison.Ordinal);
        elsewhere.Should().NotBe(url);
        answer["url"] = elsewhere;
        (await UploadAsync(plain, answer, "x")).StatusCode.Should().Be(HttpStatusCode.Forbidden, "nor for another file");
        (await Host.Get<RawFileArrivals>().ListAsync(default)).Should()
            .Contain(note => note.Name == $"{Model}/données (2).csv", "whoever watches finds it at once");
    }

    [Fact]
    public async Task The_address_is_good_for_the_minutes_of_the_setting_and_is_kept_by_nobody()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new UploadOptions { UrlLife = TimeSpan.FromMinutes(7) }));
        using var response = await AskAsync(host, "a.csv");
        var answer = await Task.FromResult(response).ShouldBeAsync(HttpStatusCode.OK);

        ((DateTimeOffset)answer["expires"]!).Should().BeCloseTo(DateTimeOffset.UtcNow.AddMinutes(7), TimeSpan.FromSeconds(30));
        var query = System.Web.HttpUtility.ParseQueryString(new Uri((string)answer["url"]!).Query);
        DateTimeOffset.Parse(query["se"]!, System.Globalization.CultureInfo.InvariantCulture)
            .Should().BeCloseTo((DateTimeOffset)answer["expires"]!, TimeSpan.FromSeconds(1));
        (query["sr"], query["sp"]).Should().Be(("b", "cw"));
        response.Headers.CacheControl!.NoStore.Should().BeTrue();
        var told = (await host.Get<AuditTrail>().ListAsync(1000, null, default)).Items.Single(entry => entry.Subject == $"raw/{Model}/a.csv/upload-url");
        (told.Action, told.Outcome).Should().Be(("upload address", AuditOutcome.Done));
        told.To.Should().StartWith("until ").And.NotContain("sig=");
    }

    [Fact]
    public async Task Where_clients_cannot_reach_storage_it_is_the_address_of_this_host()
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new UploadOptions { ThroughHost = true }));
        var answer = await AskAsync(host, "donn%C3%A9es.csv").ShouldBeAsync(HttpStatusCode.OK);

        answer.AsObject().Should().NotContainKey("expires");
        ((string)answer["url"]!).Should().Be($"{host.Client.BaseAddress}raw/{Model}/donn%C3%A9es.csv");
        (await UploadAsync(host.Client, answer, "a,b\n1,2\n")).StatusCode.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task An_identity_signs_by_a_key_of_its_own_from_the_account()
    {
        using var account = new AccountWithoutKeys();
        var options = new BlobClientOptions { Transport = new HttpClientTransport(account), Retry = { MaxRetries = 0 } };
        var blobs = new BlobServiceClient(new Uri("https://account.blob.core.windows.net"), new Identity(), options);
        await using var host = await WebHost.StartAsync(new PipelineStorage(blobs, new TableServiceClient(Azurite.ConnectionString)));

        var answer = await AskAsync(host, "a.csv").ShouldBeAsync(HttpStatusCode.OK);

        var url = new Uri((string)answer["url"]!);
        url.GetLeftPart(UriPartial.Path).Should().Be($"https://account.blob.core.windows.net/raw/{Model}/a.csv");
        var query = System.Web.HttpUtility.ParseQueryString(url.Query);
        (query["skoid"], query["sktid"], query["sr"], query["sp"], query["spr"]).Should().Be((AccountWithoutKeys.ObjectId, "tenant", "b", "cw", "https"));
        account.Asked.Should().Be(1);
    }

    [Theory]
    [InlineData("a%2Fb.csv")]
    [InlineData(".hidden")]
    [InlineData("a%25b.csv")]
    public async Task A_name_that_PUT_refuses_gets_no_address(string file) => await AskAsync(Host, file).ShouldFailAsync(HttpStatusCode.BadRequest);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_too_large_for_one_request_is_413_and_told_where_to_go(bool announced)
    {
        await using var host = await WebHost.StartAsync(
            Azurite.NewStorage(), services => services.AddSingleton(new UploadOptions { MaxPutBytes = 1000 }));
        var put = (int bytes) => host.Client.SendAsync(new HttpRequestMessage(HttpMethod.Put, $"/raw/{Model}/a.csv")
        {
            Content = new ByteArrayContent(new byte[bytes]),
            Headers = { TransferEncodingChunked = !announced },
        });

        (await put(1001).ShouldFailAsync(HttpStatusCode.RequestEntityTooLarge)).Should()
            .Contain("1,000 bytes").And.Contain($"POST /raw/{Model}/a.csv/upload-url");
        (await Host.Storage.Raw.GetBlobClient($"{Model}/a.csv").ExistsAsync()).Value.Should().BeFalse();
        await put(1000).ShouldBeAsync(HttpStatusCode.Created);
        host.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1441")]
    [InlineData("soon")]
    public void A_wrong_setting_of_the_minutes_is_told(string minutes)
    {
        var read = () => UploadOptions.Read(new Microsoft.Extensions.Configuration.ConfigurationManager { ["Uploads:UrlMinutes"] = minutes });

        read.Should().Throw<MlOps.Pipeline.Contracts.InputException>().WithMessage($"*Uploads:UrlMinutes is '{minutes}'*");
    }

    private Task<HttpResponseMessage> AskAsync(WebHost host, string file) => host.Client.PostAsync($"/raw/{Model}/{file}/upload-url", null);

    private static Task<HttpResponseMessage> UploadAsync(HttpClient client, JsonNode answer, string content)
    {
        var request = new HttpRequestMessage(new HttpMethod((string)answer["method"]!), (string)answer["url"]!) { Content = new StringContent(content) };
        foreach (var (name, value) in answer["headers"]!.Deserialize<Dictionary<string, string>>()!)
        {
            request.Headers.Add(name, value);
        }
        return client.SendAsync(request);
    }

    private sealed class Identity : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new("token", DateTimeOffset.UtcNow.AddHours(1));

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }

    /// <summary>The emulator takes no tokens without TLS: what the service answers to who asks for a user delegation key.</summary>
    private sealed class AccountWithoutKeys : HttpMessageHandler
    {
        public const string ObjectId = "3b0b7a2c-0000-4000-8000-000000000001";

        public int Asked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri!.Query.Should().Contain("comp=userdelegationkey");
            request.Headers.Authorization!.Parameter.Should().Be("token");
            Asked++;
            var (from, until) = (DateTime.UtcNow.AddMinutes(-5).ToString("s"), DateTime.UtcNow.AddMinutes(30).ToString("s"));
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent(
                    $"""
                    <?xml version="1.0" encoding="utf-8"?><UserDelegationKey><SignedOid>{ObjectId}</SignedOid><SignedTid>tenant</SignedTid>
                    <SignedStart>{from}Z</SignedStart><SignedExpiry>{until}Z</SignedExpiry><SignedService>b</SignedService>
                    <SignedVersion>2024-05-04</SignedVersion><Value>a2V5</Value></UserDelegationKey>
                    """,
                    System.Text.Encoding.UTF8, "application/xml"),
            });
        }
    }
}
