using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests.Access;

/// <summary>Tokens of an issuer that speaks as Entra ID does: discovery, signing keys, app roles.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class EntraTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string ClientId = "11111111-2222-3333-4444-555555555555";

    private readonly RSA rsa = RSA.Create(2048);
    private WebApplication issuer = null!;
    private WebHost host = null!;

    private string Issuer => issuer.Urls.First();

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        issuer = builder.Build();
        var jwk = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(rsa.ExportParameters(false)) { KeyId = "1" });
        issuer.MapGet("/.well-known/openid-configuration", () => Results.Json(new Dictionary<string, object>
        {
            ["issuer"] = Issuer,
            ["jwks_uri"] = $"{Issuer}/keys",
            ["authorization_endpoint"] = $"{Issuer}/authorize",
            ["response_types_supported"] = new[] { "id_token" },
            ["subject_types_supported"] = new[] { "pairwise" },
            ["id_token_signing_alg_values_supported"] = new[] { "RS256" },
        }));
        var key = new { kty = jwk.Kty, use = "sig", kid = jwk.Kid, n = jwk.N, e = jwk.E, alg = "RS256" };
        issuer.MapGet("/keys", () => Results.Json(new { keys = new[] { key } }));
        await issuer.StartAsync();
        host = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { Entra = EntraOptions.Of(Issuer, ClientId) }));
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await issuer.DisposeAsync();
        rsa.Dispose();
    }

    [Fact]
    public async Task A_token_opens_what_its_app_role_may()
    {
        (await AskAsync(Token(role: "reader"), HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await AskAsync(Token(role: "reader"), HttpMethod.Post)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        using var admin = await AskAsync(Token(role: "admin", audience: $"api://{ClientId}"), HttpMethod.Post);
        admin.StatusCode.Should().Be(HttpStatusCode.NotFound, "there is no model x");
        (await AskAsync(Token(role: null), HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await AskAsync(Token(role: "owner"), HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_token_that_is_wrong_in_any_way_opens_nothing()
    {
        using var other = RSA.Create(2048);
        string[] wrong =
        [
            Token("admin", audience: "another-app"), Token("admin", issuedBy: "https://login.evil.example"),
            Token("admin", expires: DateTime.UtcNow.AddHours(-1)),
            Token("admin", signedBy: other), Token("admin")[..^4] + "AAAA", Unsigned(),
        ];

        foreach (var token in wrong)
        {
            (await AskAsync(token, HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.Unauthorized, token);
        }
    }

    [Fact]
    public async Task A_browser_is_sent_to_sign_in_and_back_to_the_app()
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = host.Client.BaseAddress };
        (await client.GetStringAsync("/signin?return=/models")).Should().Contain("/signin/entra?return=%2Fmodels");

        using var sent = await client.GetAsync("/signin/entra?return=/models");

        sent.StatusCode.Should().Be(HttpStatusCode.Redirect);
        var asked = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(sent.Headers.Location!.Query);
        sent.Headers.Location!.GetLeftPart(UriPartial.Path).Should().Be($"{Issuer}/authorize");
        ((string?)asked["redirect_uri"]).Should().Be(new Uri(client.BaseAddress!, "/signin/entra/callback").ToString());
        var form = new Dictionary<string, string> { ["state"] = asked["state"]!, ["id_token"] = Token("reader", nonce: asked["nonce"]) };
        using var answer = new HttpRequestMessage(HttpMethod.Post, "/signin/entra/callback") { Content = new FormUrlEncodedContent(form) };
        answer.Headers.Add("Origin", "https://login.microsoftonline.com");
        answer.Headers.Add("Cookie", sent.Headers.GetValues("Set-Cookie").Select(cookie => cookie.Split(';')[0]));

        using var back = await client.SendAsync(answer);

        (back.StatusCode, back.Headers.Location?.ToString()).Should().Be((HttpStatusCode.Redirect, "/models"));
        var cookie = back.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("mlops=", StringComparison.Ordinal)).Split(';')[0];
        using var seen = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { { "Cookie", cookie } } };
        (await client.SendAsync(seen)).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    private Task<HttpResponseMessage> AskAsync(string token, HttpMethod method) =>
        host.Client.SendAsync(new HttpRequestMessage(method, method == HttpMethod.Get ? "/models" : "/models/x/rollback")
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) },
        });

    private string Token(
        string? role, string audience = ClientId, string? issuedBy = null, DateTime? expires = null, RSA? signedBy = null, string? nonce = null)
    {
        var claims = new List<Claim> { new("preferred_username", "ann@example.org"), new("sub", "1") };
        if (role is not null)
        {
            claims.Add(new Claim("roles", role));
        }
        if (nonce is not null)
        {
            claims.Add(new Claim("nonce", nonce));
        }
        var end = expires ?? DateTime.UtcNow.AddHours(1);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuedBy ?? Issuer,
            Audience = audience,
            Subject = new ClaimsIdentity(claims),
            IssuedAt = end.AddHours(-1),
            NotBefore = end.AddHours(-1),
            Expires = end,
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(signedBy ?? rsa) { KeyId = "1" }, SecurityAlgorithms.RsaSha256),
        });
    }

    private string Unsigned()
    {
        var body = Token("admin").Split('.')[1];
        return $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{body}.";
    }
}
