using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using MlOps.Testing;
using MlOps.Testing.Docs;

namespace MlOps.Web.Tests.Docs;

/// <summary>What README and docs say of routes within their texts and tables, held to the routes that there are.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed partial class DocRouteTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Every_route_within_a_text_is_one_that_there_is()
    {
        await using var host = await WebHost.StartAsync(azurite.NewStorage());
        var routes = host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(route => (route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(method => (Method: method, Matcher: new TemplateMatcher(TemplateParser.Parse(route.RoutePattern.RawText!.TrimStart('/')), []))))
            .ToLookup(route => route.Method, route => route.Matcher);
        var mentions = DocBlock.Files.SelectMany(file => Mention().Matches(DocBlock.Read(file))
            .SelectMany(mention => mention.Groups["method"].Captures.Select(method => (File: file, Method: method.Value, Path: mention.Groups["path"].Value))))
            .Distinct().ToList();

        mentions.Count.Should().BeGreaterThan(100);
        string.Join('\n', mentions.Where(mention => !routes[mention.Method].Any(route => route.TryMatch(mention.Path, []))))
            .Should().BeEmpty("there is no such route");
    }

    /// <summary>Methods and a path in backticks or in a heading, but for the query.</summary>
    [GeneratedRegex("(`|^#+ )((?<method>GET|POST|PUT|DELETE|PATCH)(, )?)+ (?<path>/[^`?,\\s]*)", RegexOptions.Multiline)]
    private static partial Regex Mention();
}
