using System.Net;
using System.Net.Http.Headers;
using MlOps.Local.Storage;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>A host on a network, and the keys of those who may call it.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class KeysTests(AzuriteFixture azurite) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-keys-").FullName;
    private readonly string unique = AzuriteFixture.UniqueModel("key");
    private readonly HttpClient http = new();

    [Fact]
    public async Task A_host_on_a_network_starts_with_keys_only_and_takes_those_alone()
    {
        var empty = new AzuriteFixture();
        await empty.InitializeAsync();
        string[] network = ["--listen", "0.0.0.0", "--port", "0", "--data", folder, "--storage", empty.ConnectionString];
        var refused = await LocalProcess.RunAsync(["up", .. network]);
        (refused.ExitCode, refused.Errors).Should().Be(
            (2, "With --listen on a network callers need a key, and there is none: make one with 'mlops keys add NAME --role admin' on the same --data or "
                + "--storage, set Access__AdminKey, or set Access__Entra__ClientId and Access__Entra__TenantId. "
                + "--insecure lets everybody in, to do everything."));

        var added = await LocalCommand.RunAsync("keys", "add", "Ann", "--role", "operator", "--data", folder, "--storage", empty.ConnectionString);
        added.ExitCode.Should().Be(0, added.Errors);
        var key = added.Output;
        key.Should().MatchRegex("^mlops_[a-z0-9]{10}_[A-Za-z0-9_-]{43}$", "a script takes the whole of standard output");
        added.Errors.Should().Contain("cannot be shown again");

        await using (var host = LocalProcess.Start(["up", .. network]))
        {
            await host.PrintedAsync("Serving on");
            http.BaseAddress = new UriBuilder(DataFolder.FindHost(folder)!.Url!) { Host = "127.0.0.1" }.Uri;
            (await StatusAsync(null, HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.Unauthorized);
            (await StatusAsync(null, HttpMethod.Get, "/health")).Should().Be(HttpStatusCode.OK);
            (await StatusAsync(key, HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.OK);
            (await StatusAsync(key, HttpMethod.Post, "/models/x/rollback")).Should().Be(HttpStatusCode.Forbidden);
        }
        var list = await LocalCommand.RunAsync("keys", "list", "--data", folder, "--storage", empty.ConnectionString);
        list.Output.Should().MatchRegex("Ann +. operator").And.NotContain(key);
        await empty.DisposeAsync();
    }

    [Fact]
    public async Task The_commands_of_this_machine_come_in_by_themselves_and_nobody_else_reads_how()
    {
        await using var host = LocalProcess.Start(
            new Dictionary<string, string?> { ["Access__AdminKey"] = "a-long-key-of-the-deployment" },
            "up", "--listen", "0.0.0.0", "--port", "0", "--data", folder, "--storage", azurite.ConnectionString);
        await host.PrintedAsync("Serving on");
        http.BaseAddress = new UriBuilder(DataFolder.FindHost(folder)!.Url!) { Host = "127.0.0.1" }.Uri;

        (await StatusAsync(DataFolder.FindHost(folder)!.Key, HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.OK);
        (await StatusAsync("a-long-key-of-the-deployment", HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.OK);
        (await StatusAsync(null, HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.Unauthorized);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(folder, "host.json")).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        host.Output.Should().NotContain(DataFolder.FindHost(folder)!.Key);
    }

    [Fact]
    public async Task On_loopback_nobody_needs_a_key_and_what_a_page_of_elsewhere_asks_for_is_refused()
    {
        await using var host = LocalProcess.Start("up", "--port", "0", "--data", folder, "--storage", azurite.ConnectionString);
        await host.PrintedAsync("Serving on");
        http.BaseAddress = new Uri(DataFolder.FindHost(folder)!.Url!);
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/models") { Headers = { Host = $"evil.example:{http.BaseAddress.Port}" } };
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/models/x/rollback") { Headers = { { "Origin", "https://evil.example" } } };
        using var own = new HttpRequestMessage(HttpMethod.Post, "/models/x/rollback") { Headers = { { "Origin", $"http://{http.BaseAddress.Authority}" } } };

        (await StatusAsync(null, HttpMethod.Get, "/models")).Should().Be(HttpStatusCode.OK);
        (await http.SendAsync(rebound)).StatusCode.Should().Be(HttpStatusCode.MisdirectedRequest);
        (await http.SendAsync(foreign)).StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await http.SendAsync(own)).StatusCode.Should().Be(HttpStatusCode.NotFound, "there is no model x");
    }

    [Theory]
    [InlineData("--role is owner; it must be reader, operator or admin.", "add", "x", "--role", "owner")]
    [InlineData("--role is anonymous; it must be reader, operator or admin.", "add", "x", "--role", "anonymous")]
    [InlineData("The name of a key must be *", "add", "a/b")]
    [InlineData("There is no key 'nobody'. 'mlops keys list' shows all.", "revoke", "nobody")]
    public async Task What_is_wrong_with_a_key_is_told(string told, params string[] command)
    {
        var run = await LocalCommand.RunAsync(["keys", .. command, "--data", folder, "--storage", azurite.ConnectionString]);

        run.ExitCode.Should().NotBe(0);
        run.Errors.Should().Match($"*{told}*");
    }

    [Fact]
    public async Task A_name_is_one_key_s_until_it_is_revoked()
    {
        string[] storage = ["--data", folder, "--storage", azurite.ConnectionString];
        (await LocalCommand.RunAsync(["keys", "add", unique, .. storage])).ExitCode.Should().Be(0);
        var again = await LocalCommand.RunAsync(["keys", "add", unique.ToUpperInvariant(), .. storage]);
        (again.ExitCode, again.Errors).Should().Match<(int Code, string Text)>(end => end.Code == 1 && end.Text.Contains("Revoke it first"));

        var revoked = await LocalCommand.RunAsync(["keys", "revoke", unique, .. storage]);

        revoked.Output.Should().Contain("opens nothing any more");
        (await LocalCommand.RunAsync(["keys", "add", unique, .. storage])).ExitCode.Should().Be(0);
    }

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<HttpStatusCode> StatusAsync(string? key, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }
}
