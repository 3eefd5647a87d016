using System.Net;
using System.Text.RegularExpressions;
using Azure.Storage.Blobs.Models;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Web.Tests.Hostile;

/// <summary>Names that would lead out of the folders that they stand for lead nowhere, on every route.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TraversalTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <summary>As they stand in an address.</summary>
    private static readonly string[] Names =
    [
        "..", "../..", "..%2f..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%252e%252e%252f", "..%5c..", "..\\..", "%5c%5chost%5cshare", "%2fetc%2fpasswd",
        "/etc/passwd",
        "C:%5cWindows", "C:", "a%00b", "%00", "a%0ab", "a%0d%0aSet-Cookie:x", "%ff%fe", "%c0%ae%c0%ae%c0%af", "%e2%88%95", "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
        "%e2%80%a4%e2%80%a4",
        "%ef%bc%bc", "%ef%b9%a8", "CON", "nul.csv", "COM1", "LPT9.txt", "AUX.tar.gz", "%e2%80%aevsc.exe", "a%e2%80%a8b", ".hidden", "a.", "a%20", "%20a", "*",
        "a%3fb", "a%23b", "a%25b",
        "a|b", "a<b>", "a%22b", "~", "$web", "%24logs", "a;b", new string('a', 5000), string.Concat(Enumerable.Repeat("../", 300)), "a'%20or%201%20eq%201",
        "%f0%9f%98%80",
    ];

    private static readonly string[] Resolved = ["..", "../..", "%2e%2e", string.Concat(Enumerable.Repeat("../", 300))];

    /// <summary>Names that stand for a file and may: they lead nowhere else.</summary>
    private static readonly string[] FineForFiles = ["~", "$web", "%24logs", "a;b", "a'%20or%201%20eq%201", "%f0%9f%98%80"];

    [Fact]
    public async Task No_name_in_an_address_leads_out_of_its_container()
    {
        var storage = new EmptyStorage();
        await using var host = await WebHost.StartAsync(
            storage.NewStorage(), services => services.Replace(ServiceDescriptor.Singleton(new UploadOptions { ThroughHost = true })));
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        var asked = 0;
        foreach (var (verb, pattern) in Routes(host))
        {
            foreach (var place in pattern.Parameters)
            {
                foreach (var name in Names)
                {
                    var path = Address(pattern, place, name);
                    using var request = new HttpRequestMessage(
                        new HttpMethod(verb), new Uri(host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, AsItIs));
                    if (verb is "PUT" or "POST")
                    {
                        request.Content = new StringContent("""{"version": 1, "target": "y"}""");
                    }
                    using var answer = await client.SendAsync(request);

                    asked++;
                    if (Resolved.Contains(name))
                    {
                        // Servers take these out of an address: it is another address of ours then.
                        ((int)answer.StatusCode).Should().BeLessThan(500, $"{verb} {path}");
                        continue;
                    }
                    var mayBeFine = place.Name == "file" && verb is "PUT" or "POST" && FineForFiles.Contains(name);
                    ((int)answer.StatusCode is >= 400 and < 500 || (mayBeFine && answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK)).Should()
                        .BeTrue($"{verb} {path} is {(int)answer.StatusCode}: {string.Join('\n', host.Errors)}");
                }
            }
        }

        asked.Should().BeGreaterThan(1000);
        StoragePaths.Outside(storage.Asked).Should().BeEmpty();
        storage.Asked.Should().NotContain(path => path.StartsWith("/keys", StringComparison.Ordinal));
        host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Only_what_a_run_lists_is_given_as_its_file()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        var other = await AddRunAsync(RunState.Succeeded);
        var artifacts = Host.Get<ArtifactStore>();
        await artifacts.SaveAsync(run.RunId, "report.html", $"{run.RunId}/report.html", BinaryData.FromString("ours"), default);
        await artifacts.SaveAsync(other.RunId, "secret.txt", $"{other.RunId}/secret.txt", BinaryData.FromString("theirs"), default);
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });

        string[] others = [$"../{other.RunId}/secret.txt", $"..%2f{other.RunId}%2fsecret.txt", $"{other.RunId}/secret.txt"];
        foreach (var name in Names.Except(Resolved).Concat(others))
        {
            var address = new Uri(Client.BaseAddress!.GetLeftPart(UriPartial.Authority) + $"/runs/{run.RunId}/artifacts/{name}", AsItIs);
            using var answer = await client.GetAsync(address);

            ((int)answer.StatusCode).Should().BeInRange(400, 499, name);
        }
        (await Client.GetStringAsync($"/runs/{run.RunId}/artifacts/report.html")).Should().Be("ours");
        Host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task A_file_of_a_strange_name_is_kept_within_its_model()
    {
        foreach (var name in FineForFiles)
        {
            var address = new Uri(Client.BaseAddress!.GetLeftPart(UriPartial.Authority) + $"/raw/{Model}/{name}", AsItIs);
            var answer = await Client.PutAsync(address, new StringContent("a\n1\n")).ShouldBeAsync(HttpStatusCode.Created);

            ((string)answer["source"]!).Should().Be($"raw/{Model}/{Uri.UnescapeDataString(name)}");
        }
        var blobs = await Host.Storage.Raw.GetBlobsAsync(BlobTraits.None, BlobStates.None, $"{Model}/", default).ToListAsync();
        blobs.Should().HaveCount(FineForFiles.Length).And.OnlyContain(blob => blob.Name.Split('/').Length == 2);
    }

    private static IEnumerable<(string Verb, RoutePattern Pattern)> Routes(WebHost host) =>
        from endpoint in host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        where endpoint.RoutePattern.Parameters.Count > 0
        select (verb, endpoint.RoutePattern);

    /// <summary>The route's address with the name in one place, and what would be right in the others.</summary>
    private static string Address(RoutePattern pattern, RoutePatternParameterPart hostile, string name) => Regex.Replace(
        "/" + pattern.RawText!.TrimStart('/'), @"\{\**(\w+)\}", part => part.Groups[1].Value == hostile.Name ? name : part.Groups[1].Value switch
        {
            "id" => "taxi-fare-20261124074904209-e925f8",
            "version" => "1",
            _ => "taxi-fare",
        });
}
