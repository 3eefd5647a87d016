using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests.Access;

/// <summary>Who comes in, with what, and as far as where.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class AccessTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string AdminKey = "a-long-key-of-the-deployment";

    private const string RolesOfRoutes = """
        admin DELETE /datasets/{model}/tags/{tag}
        admin DELETE /models/{name}
        admin DELETE /models/{name}/aliases/{alias}
        admin DELETE /models/{name}/predictions
        admin DELETE /models/{name}/traffic
        admin DELETE /models/{name}/versions/{version}
        admin DELETE /pipelines/{model}
        admin DELETE /raw/{model}/{**file}
        admin DELETE /runs/{id}
        admin GET /audit
        admin GET /datasets/{model}/verify
        admin POST /datasets/gc
        admin POST /models/{name}/canary
        admin POST /models/{name}/rollback
        admin POST /runs/{id}/approve
        admin POST /runs/{id}/reject
        admin PUT /models/{name}/aliases/{alias}
        admin PUT /models/{name}/traffic
        admin PUT /pipelines/{model}
        admin PUT /raw/{model}/{file}
        anonymous GET /dashboard/assets/{hash}/{name}
        anonymous GET /health
        anonymous GET /ping
        anonymous GET /signin
        anonymous GET /signin/entra
        anonymous GET /v2/health/live
        anonymous GET /v2/health/ready
        anonymous POST /signin
        anonymous POST /signout
        operator GET /models/{name}/predictions
        operator POST /datasets/{model}/from-predictions
        operator POST /datasets/{model}/restore
        operator POST /feedback
        operator POST /models/{name}/score
        operator POST /pipelines/{model}/runs
        operator POST /raw/{model}/{file}/upload-url
        operator POST /runs/{id}/cancel
        operator POST /runs/{id}/reproduction
        operator POST /runs/{id}/retry
        operator PUT /datasets/{model}/tags/{tag}
        reader GET /
        reader GET /dashboard/
        reader GET /dashboard/data
        reader GET /dashboard/data/{model}
        reader GET /dashboard/data/{model}/diff
        reader GET /dashboard/data/{model}/{version}
        reader GET /dashboard/models
        reader GET /dashboard/models/{name}
        reader GET /dashboard/models/{name}/monitoring
        reader GET /dashboard/models/{name}/traffic
        reader GET /dashboard/models/{name}/versions/{version}
        reader GET /dashboard/new
        reader GET /dashboard/new/{model}
        reader GET /dashboard/runs
        reader GET /dashboard/runs/compare
        reader GET /dashboard/runs/{id}
        reader GET /datasets/{model}/diff
        reader GET /datasets/{model}/tags
        reader GET /datasets/{model}/versions
        reader GET /datasets/{model}/versions/{version}
        reader GET /datasets/{model}/versions/{version}/content
        reader GET /docs
        reader GET /docs/scalar.js
        reader GET /lineage/{kind}/{**id}
        reader GET /metrics
        reader GET /models
        reader GET /models/{name}
        reader GET /models/{name}/drift
        reader GET /models/{name}/drift/page
        reader GET /models/{name}/monitoring
        reader GET /models/{name}/traffic
        reader GET /models/{name}/traffic/comparison
        reader GET /models/{name}/versions
        reader GET /models/{name}/versions/{version}
        reader GET /openapi.json
        reader GET /pipelines
        reader GET /pipelines/{model}
        reader GET /raw
        reader GET /raw/{model}
        reader GET /runs
        reader GET /runs/{id}
        reader GET /runs/{id}/artifacts/{**path}
        reader GET /runs/{id}/events
        reader GET /runs/{id}/reproduction
        reader GET /runs/{id}/stages/{stage}/log
        reader GET /schemas/pipeline.json
        reader GET /v2/
        reader GET /v2/models/{model}
        reader GET /v2/models/{model}/ready
        reader GET /v2/models/{model}/versions/{version}
        reader GET /v2/models/{model}/versions/{version}/ready
        reader GET /version
        reader POST /invocations
        reader POST /models/{name}/invocations
        reader POST /models/{name}/versions/{version}/try
        reader POST /pipelines/{model}/infer
        reader POST /predict
        reader POST /v2/models/{model}/infer
        reader POST /v2/models/{model}/versions/{version}/infer
        """;

    private readonly HttpClient client = new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly TestClock time = new(DateTimeOffset.UtcNow);
    private readonly string unique = AzuriteFixture.UniqueModel();

    private WebHost host = null!;

    public async Task InitializeAsync()
    {
        host = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { AdminKey = AdminKey }).AddSingleton<TimeProvider>(time));
        client.BaseAddress = host.Client.BaseAddress;
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_answers_without_a_key_but_health_and_the_way_in()
    {
        var answered = new List<string>();
        foreach (var (verb, path, _) in Routes())
        {
            using var answer = await client.SendAsync(new HttpRequestMessage(new HttpMethod(verb), path));
            ShouldTellBrowsers(answer, path);
            if (answer.StatusCode != HttpStatusCode.Unauthorized)
            {
                answered.Add($"{verb} {path}");
            }
            else
            {
                answer.Headers.WwwAuthenticate.Should().ContainSingle().Which.Scheme.Should().Be("Bearer");
            }
        }

        answered.Should().BeEquivalentTo(
            "GET /health", "GET /ping", "GET /signin", "POST /signin", "GET /signin/entra", "POST /signout", "GET /v2/health/live", "GET /v2/health/ready",
            "GET /dashboard/assets/x/x");
    }

    /// <summary>Whoever declares a route says here, too, who may call it.</summary>
    [Fact]
    public void Each_route_is_for_the_role_that_this_table_names() =>
        string.Join('\n', Endpoints().Select(route => $"{Callers.NameOf(route.Role)} {route.Verb} {route.Pattern}").Order(StringComparer.Ordinal))
            .Should().Be(RolesOfRoutes);

    [Fact]
    public async Task A_route_takes_its_role_and_those_above()
    {
        var keys = new Dictionary<RouteRole, string>();
        foreach (var role in new[] { RouteRole.Reader, RouteRole.Operator, RouteRole.Admin })
        {
            keys[role] = await AddKeyAsync(role);
        }

        foreach (var (verb, path, needed) in Routes().Where(route => route.Role > RouteRole.Anonymous))
        {
            foreach (var (role, key) in keys)
            {
                using var answer = await SendAsync(new HttpMethod(verb), path, key);
                ShouldTellBrowsers(answer, path);
                (answer.StatusCode == HttpStatusCode.Forbidden).Should().Be(role < needed, $"{verb} {path} is for {needed} and was asked by {role}");
                answer.StatusCode.Should().NotBe(HttpStatusCode.Unauthorized);
            }
        }
    }

    [Fact]
    public async Task Who_may_not_is_told_who_may()
    {
        var key = await AddKeyAsync(RouteRole.Reader);

        var detail = await SendAsync(HttpMethod.Post, $"/pipelines/{unique}/runs", key).ShouldFailAsync(HttpStatusCode.Forbidden);

        detail.Should().Contain($"'reader-{unique}'").And.Contain("it takes role operator");
    }

    [Fact]
    public async Task What_does_not_exist_is_not_told_to_strangers() =>
        (await client.GetAsync("/no/such/route").ShouldFailAsync(HttpStatusCode.Unauthorized)).Should().StartWith("Sign in: ");

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Basic")]
    [InlineData("x-functions-key")]
    [InlineData("code")]
    public async Task A_key_is_taken_however_a_client_can_carry_it(string way)
    {
        var key = await AddKeyAsync(RouteRole.Reader);

        foreach (var (text, status) in new[] { (key, HttpStatusCode.OK), (AdminKey, HttpStatusCode.OK), (key[..^1] + "!", HttpStatusCode.Unauthorized) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, way == "code" ? $"/models?code={Uri.EscapeDataString(text)}" : "/models");
            switch (way)
            {
                case "Bearer":
                    request.Headers.Authorization = new AuthenticationHeaderValue(way, text);
                    break;
                case "Basic":
                    request.Headers.Authorization = new AuthenticationHeaderValue(way, Convert.ToBase64String(Encoding.UTF8.GetBytes($"anybody:{text}")));
                    break;
                case "x-functions-key":
                    request.Headers.Add(way, text);
                    break;
            }
            using var answer = await client.SendAsync(request);
            answer.StatusCode.Should().Be(status, text);
        }
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic !!!")]
    [InlineData("Basic bm9jb2xvbg==")]
    [InlineData("Digest x=1")]
    [InlineData("Bearer mlops_")]
    [InlineData("Bearer mlops_aaaaaaaaaa_")]
    [InlineData("Bearer mlops_aaaaaaaaa'_x")]
    public async Task Whatever_is_no_key_is_refused_as_such(string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/models");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);

        await client.SendAsync(request).ShouldFailAsync(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_revoked_key_opens_nothing_after_some_seconds_and_its_use_was_told()
    {
        var keys = host.Get<AccessKeyStore>();
        var text = await AddKeyAsync(RouteRole.Reader);
        (await SendAsync(HttpMethod.Get, "/models", text)).StatusCode.Should().Be(HttpStatusCode.OK);
        await Eventually.IsTrueAsync(async () => (await keys.ListAsync(default)).Single(key => key.Name == $"reader-{unique}").LastUsed is not null);

        (await keys.RevokeAsync($"reader-{unique}", default)).Should().NotBeNull();
        time.Now += KeyRing.FreshFor;

        (await SendAsync(HttpMethod.Get, "/models", text)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await keys.RevokeAsync($"reader-{unique}", default)).Should().BeNull();
    }

    [Fact]
    public async Task Setting_the_clock_back_keeps_no_revoked_key_open()
    {
        var text = await AddKeyAsync(RouteRole.Reader);
        (await SendAsync(HttpMethod.Get, "/models", text)).StatusCode.Should().Be(HttpStatusCode.OK);
        await host.Get<AccessKeyStore>().RevokeAsync($"reader-{unique}", default);

        time.Now -= TimeSpan.FromHours(1);
        time.Now += KeyRing.FreshFor;

        (await SendAsync(HttpMethod.Get, "/models", text)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Of_those_who_take_one_name_at_the_same_moment_one_gets_a_key()
    {
        var stores = Enumerable.Range(0, 8).Select(_ => new AccessKeyStore(azurite.NewStorage(), time)).ToList();
        var attempts = stores.Select((store, i) => store.AddAsync(i % 2 == 0 ? $"ann-{unique}" : $"ANN-{unique}", RouteRole.Reader, default)).ToList();

        await Task.WhenAll(attempts.Select(attempt => attempt.ContinueWith(_ => { }, TaskScheduler.Default)));

        attempts.Where(attempt => attempt.IsCompletedSuccessfully).Should().ContainSingle();
        attempts.Where(attempt => attempt.IsFaulted).Should().OnlyContain(attempt => attempt.Exception!.InnerException is InputException);
        (await stores[0].ListAsync(default)).Should().ContainSingle(key => key.Name.Equals($"ann-{unique}", StringComparison.OrdinalIgnoreCase));
        await stores[0].RevokeAsync($"ann-{unique}", default);
        (await stores[1].AddAsync($"Ann-{unique}", RouteRole.Reader, default)).Key.Name.Should().Be($"Ann-{unique}", "the name is free again");
    }

    [Fact]
    public async Task A_key_of_an_earlier_release_keeps_its_name_and_is_revoked()
    {
        var keys = host.Get<AccessKeyStore>();
        var (key, _) = await keys.AddAsync($"old-{unique}", RouteRole.Reader, default);
        (await azurite.NewStorage().Keys.DeleteEntityAsync("key", $"name:{key.Name.ToUpperInvariant()}")).Status.Should().Be(204);

        var taken = () => keys.AddAsync($"OLD-{unique}", RouteRole.Reader, default);

        await taken.Should().ThrowAsync<InputException>();
        (await keys.RevokeAsync(key.Name, default))!.Id.Should().Be(key.Id);
        (await keys.ListAsync(default)).Should().NotContain(other => other.Id == key.Id);
    }

    [Fact]
    public async Task On_an_open_host_who_brings_a_key_is_told_by_its_name_and_a_wrong_one_is_refused()
    {
        await using var open = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { IsOpen = true }).AddSingleton<TimeProvider>(time));
        var ask = (string key) => open.Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/models/x/rollback") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } });

        var forbidden = await ask(await AddKeyAsync(RouteRole.Reader)).ShouldFailAsync(HttpStatusCode.Forbidden);

        forbidden.Should().Contain($"'reader-{unique}'");
        await ask("mlops_aaaaaaaaaa_wrong").ShouldFailAsync(HttpStatusCode.Unauthorized);
        (await open.Client.PostAsync("/models/x/rollback", null)).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Everybody_of_an_open_host_and_a_known_key_pass_by_the_authentication_handlers()
    {
        var asked = 0;
        var count = (IServiceCollection services) => services.AddSingleton<TimeProvider>(time)
            .AddScoped<IAuthenticationService>(provider =>
            {
                Interlocked.Increment(ref asked);
                return ActivatorUtilities.CreateInstance<AuthenticationService>(provider);
            });
        await using var open = await WebHost.StartAsync(azurite.NewStorage(), services => count(services.AddSingleton(new AccessOptions { IsOpen = true })));
        await using var closed = await WebHost.StartAsync(azurite.NewStorage(), services => count(services.AddSingleton(new AccessOptions())));
        closed.Client.DefaultRequestHeaders.Authorization = new("Bearer", await AddKeyAsync(RouteRole.Reader));

        (await open.Client.GetAsync("/models")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await closed.Client.GetAsync("/models")).StatusCode.Should().Be(HttpStatusCode.OK);
        asked.Should().Be(0);

        closed.Client.DefaultRequestHeaders.Authorization = new("Bearer", "mlops_aaaaaaaaaa_wrong");
        (await closed.Client.GetAsync("/models")).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        asked.Should().BePositive();
    }

    [Fact]
    public async Task While_storage_is_away_known_keys_are_taken_on()
    {
        await using var gate = new StorageGate(azurite.ConnectionString);
        await using var gated = await WebHost.StartAsync(
            gate.NewStorage(), services => services.AddSingleton(new AccessOptions()).AddSingleton<TimeProvider>(time));
        var text = await AddKeyAsync(RouteRole.Reader);
        var get = () => new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", text) } };
        (await gated.Client.SendAsync(get())).StatusCode.Should().Be(HttpStatusCode.OK);

        gate.Close();
        time.Now += 2 * KeyRing.FreshFor;

        (await gated.Client.SendAsync(get())).StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_key_is_stored_as_its_hash_alone()
    {
        var text = await AddKeyAsync(RouteRole.Admin);

        var rows = await azurite.NewStorage().Keys.QueryAsync<Azure.Data.Tables.TableEntity>().ToListAsync();

        var (id, secret) = (text.Substring(6, 10), text[17..]);
        rows.SelectMany(row => row.Keys.Select(name => row[name])).OfType<string>()
            .Should().NotContain(value => value.Contains(secret, StringComparison.Ordinal));
        rows.Should().Contain(row => row.RowKey == id);
    }

    [Fact]
    public async Task A_browser_is_led_to_the_page_signs_in_and_out()
    {
        var key = await AddKeyAsync(RouteRole.Reader);
        using var first = await GetPageAsync("/models?take=5", cookie: null);
        first.StatusCode.Should().Be(HttpStatusCode.Redirect);
        first.Headers.Location!.ToString().Should().Be("/signin?return=%2Fmodels%3Ftake%3D5");
        var page = await client.GetStringAsync(first.Headers.Location);
        page.Should().Contain("value=\"/models?take=5\"").And.NotContain("<script");

        using var wrong = await SignInAsync("mlops_wrong", "/models");
        using var right = await SignInAsync($" {key} ", "/models?take=5");

        wrong.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (await wrong.Content.ReadAsStringAsync()).Should().Contain("This is no key, or it has been revoked.");
        (right.StatusCode, right.Headers.Location!.ToString()).Should().Be((HttpStatusCode.SeeOther, "/models?take=5"));
        var cookie = right.Headers.GetValues("Set-Cookie").Should().ContainSingle().Which;
        cookie.Should().Contain("; httponly").And.Contain("samesite=lax").And.NotContain(key);
        cookie = cookie.Split(';')[0];
        (await GetPageAsync("/models", cookie)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await PostAsync("/models/x/rollback", cookie, "same-origin")).StatusCode.Should().Be(HttpStatusCode.Forbidden, "a reader stays one");

        using var signedOut = await PostAsync("/signout", cookie, "same-origin");
        signedOut.Headers.GetValues("Set-Cookie").Should().ContainSingle().Which.Should().StartWith("mlops=;");
    }

    [Fact]
    public async Task A_cookie_ends_with_its_key()
    {
        using var signedIn = await SignInAsync(await AddKeyAsync(RouteRole.Reader), "/");
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        (await GetPageAsync("/models", cookie)).StatusCode.Should().Be(HttpStatusCode.OK);

        await host.Get<AccessKeyStore>().RevokeAsync($"reader-{unique}", default);
        time.Now += KeyRing.FreshFor;

        (await GetPageAsync("/models", cookie)).StatusCode.Should().Be(HttpStatusCode.Redirect);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cookie_is_for_TLS_alone_where_the_platform_has_it(bool platform)
    {
        await using var behind = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { AdminKey = AdminKey, PlatformEndsTls = platform }));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(behind.Client.BaseAddress!, "/signin"))
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = AdminKey }),
            Headers = { { "X-Forwarded-Proto", "https" } },
        };

        using var signedIn = await client.SendAsync(request);

        signedIn.Headers.GetValues("Set-Cookie").Single().Contains("; secure", StringComparison.OrdinalIgnoreCase).Should().Be(platform);
    }

    [Fact]
    public async Task A_cookie_of_the_key_in_the_settings_ends_when_that_is_another_one()
    {
        using var signedIn = await SignInAsync(AdminKey, "/");
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        (await GetPageAsync("/models", cookie)).StatusCode.Should().Be(HttpStatusCode.OK);

        await using var restarted = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { AdminKey = "another-long-key-of-it" }));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { { "Cookie", cookie } } };

        (await restarted.Client.SendAsync(request)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("https://evil.example")]
    [InlineData("/a\r\nSet-Cookie: x=1")]
    [InlineData("")]
    public async Task Signing_in_leads_to_pages_of_ours_only(string returnTo)
    {
        using var signedIn = await SignInAsync(AdminKey, returnTo);

        signedIn.Headers.Location!.ToString().Should().Be("/");
    }

    [Theory]
    [InlineData("cross-site", null)]
    [InlineData("same-site", null)]
    [InlineData(null, "https://evil.example")]
    [InlineData(null, "null")]
    public async Task A_page_of_another_site_cannot_use_the_cookie_to_change_anything(string? site, string? origin)
    {
        var (cookie, token) = await OpenPageAsync(AdminKey);

        using var refused = await PostAsync("/models/x/rollback", cookie, site, origin, token);
        using var taken = await PostAsync("/models/x/rollback", cookie, site: null, client.BaseAddress!.GetLeftPart(UriPartial.Authority), token);

        refused.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await refused.Content.ReadAsStringAsync()).Should().Contain("A page of another site asked for this");
        taken.StatusCode.Should().Be(HttpStatusCode.NotFound, "there is no model x");
    }

    [Fact]
    public async Task A_cookie_changes_nothing_without_the_token_of_a_page()
    {
        var (cookie, token) = await OpenPageAsync(AdminKey);
        var (_, tokenOfAnother) = await OpenPageAsync(await AddKeyAsync(RouteRole.Reader));

        using var without = await PostAsync("/models/x/rollback", cookie, "same-origin");
        using var wrong = await PostAsync("/models/x/rollback", cookie, "same-origin", token: tokenOfAnother);
        using var with = await PostAsync("/models/x/rollback", cookie, "same-origin", token: token);
        using var program = await SendAsync(HttpMethod.Post, "/models/x/rollback", AdminKey);

        (await without.Content.ReadAsStringAsync()).Should().Contain("load the page again");
        (without.StatusCode, wrong.StatusCode).Should().Be((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest));
        (with.StatusCode, program.StatusCode).Should().Be((HttpStatusCode.NotFound, HttpStatusCode.NotFound), "there is no model x");
    }

    [Fact]
    public async Task On_this_machine_no_key_is_needed_and_pages_of_elsewhere_get_nothing()
    {
        await using var local = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { IsOpen = true, OwnNamesOnly = true }));
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { Host = "evil.example:7071" } };
        using var named = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { Host = "localhost:7071" } };
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/models/x/rollback") { Headers = { { "Sec-Fetch-Site", "cross-site" } } };

        (await local.Client.GetAsync("/models")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await local.Client.SendAsync(named)).StatusCode.Should().Be(HttpStatusCode.OK);
        await local.Client.SendAsync(rebound).ShouldFailAsync(HttpStatusCode.MisdirectedRequest);
        await local.Client.SendAsync(foreign).ShouldFailAsync(HttpStatusCode.Forbidden);
        (await local.Client.PostAsync("/models/x/rollback", null)).StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Strangers_are_told_only_whether_it_is_well()
    {
        (await client.GetStringAsync("/health")).Should().Be("""{"status":"healthy"}""");

        using var known = await SendAsync(HttpMethod.Get, "/health", AdminKey);
        (await known.Content.ReadAsStringAsync()).Should().Be("""{"status":"healthy","storage":"ok","models":[]}""");
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/signin")]
    [InlineData("/models")]
    public async Task Every_answer_tells_browsers_to_run_and_frame_nothing(string path)
    {
        using var answer = await client.GetAsync(path);

        answer.Headers.GetValues("Content-Security-Policy").Single().Should().StartWith("default-src 'none';").And.NotContain("script-src");
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
        answer.Headers.GetValues("X-Frame-Options").Should().Equal("DENY");
        answer.Headers.GetValues("Referrer-Policy").Should().Equal("no-referrer");
    }

    [Fact]
    public async Task The_platform_is_believed_where_it_signs_in()
    {
        await using var trusting = await WebHost.StartAsync(
            azurite.NewStorage(), services => services.AddSingleton(new AccessOptions { PlatformSignsIn = true }));
        var principal = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"claims":[{"typ":"roles","val":"reader"},{"typ":"name","val":"Bob"}]}"""));
        var ask = (WebHost of, HttpMethod method) => of.Client.SendAsync(new(method, method == HttpMethod.Get ? "/models" : "/models/x/rollback")
        {
            Headers = { { "X-MS-CLIENT-PRINCIPAL", principal }, { "X-MS-CLIENT-PRINCIPAL-NAME", "bob@example.org" } },
        });

        (await ask(trusting, HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.OK);
        (await ask(trusting, HttpMethod.Post)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await ask(host, HttpMethod.Get)).StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    private IReadOnlyList<(string Verb, string Path, RouteRole Role)> Routes() =>
    [
        .. from route in Endpoints()
           select (route.Verb, System.Text.RegularExpressions.Regex.Replace(route.Pattern, @"\{\**\w+\}", "x"), route.Role),
    ];

    private IReadOnlyList<(string Verb, string Pattern, RouteRole Role)> Endpoints() =>
    [
        .. from endpoint in host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           from verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
           select (verb, "/" + endpoint.RoutePattern.RawText!.TrimStart('/'), endpoint.Metadata.OfType<RouteRole>().Single()),
    ];

    /// <summary>
    /// Pages of the dashboard and <c>/docs</c> run this host's own scripts. What the route of artifacts answers, and that alone, may be framed, by pages of
    /// this host.
    /// </summary>
    private static void ShouldTellBrowsers(HttpResponseMessage answer, string path)
    {
        var mayBeFramed = path == "/runs/x/artifacts/x" && answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Should().ContainSingle(path).Which.Split("; ");
        policy.Should().StartWith("default-src 'none'", path).And.Contain("base-uri 'none'", path)
            .And.EndWith($"frame-ancestors {(mayBeFramed ? "'self'" : "'none'")}", path);
        policy.Where(rule => rule.StartsWith("script-src", StringComparison.Ordinal))
            .Should().BeEquivalentTo(MayRunScripts(answer, path) ? ["script-src 'self'"] : Array.Empty<string>(), path);
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal(["nosniff"], path);
        answer.Headers.GetValues("X-Frame-Options").Should().Equal([mayBeFramed ? "SAMEORIGIN" : "DENY"], path);
        answer.Headers.GetValues("Referrer-Policy").Should().Equal(["no-referrer"], path);
    }

    private static bool MayRunScripts(HttpResponseMessage answer, string path) => answer.Content.Headers.ContentType?.MediaType == "text/html"
        && (path == "/docs" || path == "/dashboard" || path.StartsWith("/dashboard/", StringComparison.Ordinal));

    private async Task<string> AddKeyAsync(RouteRole role) =>
        (await host.Get<AccessKeyStore>().AddAsync($"{Callers.NameOf(role)}-{unique}", role, default)).Text;

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string key) =>
        client.SendAsync(new HttpRequestMessage(method, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } });

    private Task<HttpResponseMessage> SignInAsync(string key, string returnTo) =>
        client.PostAsync("/signin", new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = key, ["return"] = returnTo }));

    /// <summary>The cookies of somebody who has signed in and sees a page, and its token.</summary>
    private async Task<(string Cookie, string Token)> OpenPageAsync(string key)
    {
        using var signedIn = await SignInAsync(key, "/");
        var cookie = signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using var page = await GetPageAsync("/dashboard", cookie);
        var token = System.Text.RegularExpressions.Regex.Match(await page.Content.ReadAsStringAsync(), "data-antiforgery=\"([^\"]+)\"").Groups[1].Value;
        token.Should().NotBeEmpty();
        return ($"{cookie}; {page.Headers.GetValues("Set-Cookie").Single().Split(';')[0]}", token);
    }

    private Task<HttpResponseMessage> GetPageAsync(string path, string? cookie)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "text/html" } } };
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }
        return client.SendAsync(request);
    }

    private Task<HttpResponseMessage> PostAsync(string path, string cookie, string? site, string? origin = null, string? token = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Headers = { { "Cookie", cookie } } };
        foreach (var (header, value) in new[] { ("Sec-Fetch-Site", site), ("Origin", origin), ("X-Antiforgery", token) })
        {
            if (value is not null)
            {
                request.Headers.Add(header, value);
            }
        }
        return client.SendAsync(request);
    }
}
