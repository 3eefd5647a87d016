using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Testing;
using MlOps.Testing.Docs;

namespace MlOps.Web.Tests.Docs;

/// <summary>
/// Every request that README and docs make with curl is sent to a host on which the names that they use are there, in the order in which they stand. It has the
/// status that is shown, and answers have the members that are shown.
/// </summary>
public sealed partial class DocRequestTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    /// <summary>Requests about what this host has not gone through, by their paths: what it says instead.</summary>
    private static readonly Dictionary<string, (int Status, string Says)> Otherwise = new()
    {
        ["/datasets/taxi-fare/from-predictions"] = (400, "Of no logged prediction of model 'taxi-fare' from 2026-11-26T10:00:00Z"),
    };

    [UnixFact]
    public async Task Every_request_is_answered_as_the_docs_show()
    {
        var requests = (await DocCommand.ReadAllAsync())
            .SelectMany(command => command.Calls.Where(call => call[0] == "curl").Select(call => DocRequest.Of(command, call))).OfType<DocRequest>().ToList();
        await using var world = await DocWorld.StartAsync(azurite);
        var api = JsonNode.Parse(await world.Host.Client.GetStringAsync("/openapi.json"))!;
        var faults = new List<string>();

        foreach (var request in requests)
        {
            await world.PrepareAsync(request);
            if (await FaultAsync(world, request, api) is { } fault)
            {
                faults.Add($"{request}: {fault}");
            }
        }

        requests.Count.Should().BeGreaterThan(60);
        string.Join('\n', faults).Should().BeEmpty();
    }

    private static async Task<string?> FaultAsync(DocWorld world, DocRequest request, JsonNode api)
    {
        var path = RunIds().Replace(request.Path, run => world.RunOf(run.Value, request));
        using var message = new HttpRequestMessage(request.Method, path);
        if (request.Body is not null)
        {
            var body = request.Body == DocRequest.File ? DocWorld.FileOf(path, request.ContentType) : request.WholeBody(DocWorld.RowOf(path + request.Body));
            message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        }
        using var answer = await world.Host.Client.SendAsync(message);
        var text = await answer.Content.ReadAsStringAsync();
        var status = (int)answer.StatusCode;
        if (Otherwise.TryGetValue(request.Path, out var other))
        {
            return status == other.Status && text.Contains(other.Says, StringComparison.Ordinal) ? null : $"{status} {text}";
        }
        if (request.Status is { } shown ? status != shown : status is < 200 or > 299)
        {
            return $"{status} instead of {request.Status?.ToString() ?? "a success"}: {text}";
        }
        if (text.Length == 0)
        {
            return null;
        }
        var known = SchemaMembers(api, request.Method, path.Split('?')[0]);
        var unknown = request.Members.Where(member => !known.Contains(member) && !text.Contains($"\"{member}\":", StringComparison.Ordinal)).ToList();
        return unknown.Count == 0 ? null : $"the answer has no '{string.Join("', '", unknown)}': {text}";
    }

    /// <summary>The members of all answers of a route, at any depth, as its description has them.</summary>
    private static HashSet<string> SchemaMembers(JsonNode api, HttpMethod method, string path)
    {
        var segments = path.Split('/');
        var operation = api["paths"]!.AsObject()
            .Where(route => Matches(route.Key.Split('/'), segments) && route.Value![Lower(method)] is not null)
            .OrderBy(route => route.Key.Count(sign => sign == '{')).FirstOrDefault().Value?[Lower(method)]
            ?? throw new InvalidDataException($"There is no route {method} {path}.");
        var members = new HashSet<string>();
        Collect(operation["responses"], api, members, []);
        return members;

        static string Lower(HttpMethod method) => method.Method.ToLowerInvariant();
    }

    private static bool Matches(string[] template, string[] path) =>
        (template.Length == path.Length || (path.Length > template.Length && template[^1] == "{path}"))
        && template.Zip(path).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second);

    private static void Collect(JsonNode? node, JsonNode api, HashSet<string> members, HashSet<string> seen)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list)
            {
                Collect(item, api, members, seen);
            }
        }
        foreach (var (key, value) in node as JsonObject ?? [])
        {
            if (key == "$ref" && seen.Add((string)value!))
            {
                Collect(api["components"]!["schemas"]![((string)value!).Split('/')[^1]], api, members, seen);
            }
            else if (key == "properties")
            {
                members.UnionWith(value!.AsObject().Select(member => member.Key));
            }
            Collect(value, api, members, seen);
        }
    }

    [GeneratedRegex("[a-z]+[a-z-]*-[0-9]{17}-[0-9a-f]{6}")]
    private static partial Regex RunIds();
}
