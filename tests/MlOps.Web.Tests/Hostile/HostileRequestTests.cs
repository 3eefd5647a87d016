using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Models;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Web.Tests.Hostile;

/// <summary>
/// Requests that were changed at random are answered or refused with a sentence, soon, and never with a fault of the server. <c>MLOPS_TEST_FUZZ</c> says
/// how many of each kind.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class HostileRequestTests(AzuriteFixture azurite, ITestOutputHelper output)
{
    private const int MostMemoryMb = 1500;

    /// <summary>After each so many requests the process's memory is looked at.</summary>
    private const int LookEvery = 50;

    /// <summary>Of all changed bodies; far below what is usual, so that chance does not get there.</summary>
    private const double LeastAccepted = 0.25;

    private const int EnoughToCount = 1_000;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private static readonly UriCreationOptions AsItIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private static readonly string[] Definitions =
    [
        """
        {"target": "fare", "columns": {"vendor": "categorical", "fare": {"kind": "numeric", "format": "1.234,5", "min": 0, "max": 500, "impute": "median"}},
         "features": {"interactions": [["a", "b"]], "logs": ["a"], "dateParts": ["when"]}, "candidates": [{"trainer": "lightgbm", "trees": 50}]}
        """,
        """
        {"target": "y", "threshold": 0.4, "cleaning": {"maxDropped": 0.3, "duplicates": "keep"},
         "split": {"validation": 0.2, "test": 0.1, "seed": 7, "key": ["id"]},
         "candidates": [{"trainer": "sdca", "l2": 0.1}, {"trainer": "fasttree", "maxMinutes": 2}],
         "gates": {"metric": "auc", "atLeast": 0.7, "drift": "block", "approval": {"required": true, "timeout": "1.00:00:00"}},
         "runOn": {"schedule": "0 0 3 * * *", "newFile": true, "overlap": "skip"}, "monitor": {"every": "01:00:00", "minRows": 100}}
        """,
    ];

    /// <summary>What may stand in a row as text, by column.</summary>
    private static readonly Dictionary<string, string[]> Cells = new()
    {
        ["size"] = ["4.5", "1e308", "-1e-30", "", "0"],
        ["colour"] =
        [
            "red", "blue", "", " ", "NaN", "-Infinity", "null", "7", "😀", "e\u0301", "\0", "'; DROP TABLE t; --", "<script>", "../../etc", "{0}%s",
            new string('x', 5_000),
        ],
        ["when"] = ["2026-02-28", "2024-02-29T23:59:59.999", "0001-01-01", "9999-12-31 23:59:59", "2026-01-31T10:00:00+14:00"],
        ["flag"] = ["yes", "no", "TRUE", "false", "0", "1"],
    };

    private static readonly string[] Paths =
    [
        "/models/taxi-fare", "/models/taxi-fare/versions/3", "/models/taxi-fare/drift/page", "/pipelines/taxi-fare", "/raw/taxi-fare",
        "/runs/taxi-fare-20261124074904209-e925f8",
        "/runs/taxi-fare-20261124074904209-e925f8/artifacts/drift/report.html", "/raw/taxi-fare/2026-01.csv", "/models/taxi-fare/aliases/shadow",
        "/schemas/pipeline.json",
        "/signin/entra", "/health",
    ];

    private static readonly string[] Queries =
    [
        "/runs?model=taxi-fare&take=10&next=MjUxNjIyNDczNzU1ODA5MDQyM3x0YXhpLWZhcmU", "/models?take=1000&next=dGF4aS1mYXJl", "/raw/taxi-fare?take=5&next=abc",
        "/pipelines?take=1", "/audit?take=3&next=MjUxNjIyNDczNzU1ODA5MDQyMy0xMjM0NTY3OA", "/models/taxi-fare/versions?take=7&next=MDAwMDAwMDAz",
        "/signin?return=%2Fmodels%3Ftake%3D5",
    ];

    [Fact]
    public async Task Definitions_that_are_changed_at_random()
    {
        await using var host = await WebHost.StartAsync(new EmptyStorage().NewStorage());
        await TryAsync(
            host, random => InProcessAsync(host, "PUT", "/pipelines/taxi-fare", Changed(random, Definitions)), LeastAccepted, WrongDefinition);
    }

    [Fact]
    public async Task Bodies_of_predictions_that_are_changed_at_random()
    {
        var model = AzuriteFixture.UniqueModel();
        await using var host = await WebHost.StartAsync(azurite.NewStorage(), services => services
            .Replace(ServiceDescriptor.Singleton<IScorerLoader, ArtifactScorerLoader>())
            .Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>())
            .AddSingleton(new ServingOptions()));
        await TrainAsync(host, model);
        string[] bodies =
        [
            $$$"""{"model": "{{{model}}}", "features": {"size": 4.5, "colour": "red", "when": "2026-01-31T10:00:00", "flag": true}, "explain": true}""",
            $$$"""
            {"model": "{{{model}}}", "rows": [{"size": "4.5", "colour": null, "when": "2026-01-31 09:30", "flag": "yes"},
             {"size": -1e300, "colour": 7, "when": "2026-02-01", "flag": 0}]}
            """,
        ];

        await TryAsync(
            host, random => InProcessAsync(host, "POST", "/predict", Changed(random, bodies)), LeastAccepted, WrongPrediction);
    }

    [Fact]
    public async Task Queries_that_are_changed_at_random()
    {
        await using var host = await WebHost.StartAsync(new EmptyStorage().NewStorage());
        using var client = Client(host);
        await TryAsync(host, random =>
        {
            var asked = Queries[random.Next(Queries.Length)];
            var start = asked.IndexOf('?', StringComparison.Ordinal) + 1;
            return OverHttpAsync(client, HttpMethod.Get, asked[..start] + Segment(random, asked[start..], "?&=+;"));
        });
    }

    [Fact]
    public async Task Names_that_are_changed_at_random()
    {
        var storage = new EmptyStorage();
        await using var host = await WebHost.StartAsync(storage.NewStorage());
        using var client = Client(host);
        await TryAsync(host, random =>
        {
            var segments = Paths[random.Next(Paths.Length)].Split('/');
            var place = random.Next(1, segments.Length);
            segments[place] = Segment(random, segments[place], "/");
            var method = random.Next(4) switch { 0 => HttpMethod.Put, 1 => HttpMethod.Delete, 2 => HttpMethod.Post, _ => HttpMethod.Get };
            return OverHttpAsync(client, method, string.Join('/', segments));
        });

        StoragePaths.Outside(storage.Asked).Should().BeEmpty();
    }

    /// <param name="host">Who is asked.</param>
    /// <param name="ask">Asks.</param>
    /// <param name="leastAccepted">Share of all that must be accepted: else refusals alone are tested.</param>
    /// <param name="wrong">What is wrong with an answer of success; null: nothing.</param>
    private async Task TryAsync(WebHost host, Func<Random, Task<Answer>> ask, double leastAccepted = 0, Func<Answer, string?>? wrong = null)
    {
        var (seed, requests) = (TestSize.Seed, TestSize.Fuzz);
        output.WriteLine($"seed {seed}, {requests} requests");
        var random = new Random(seed);
        var worked = Environment.CpuUsage.TotalTime;
        var (faults, statuses, largest) = (new List<string>(), new SortedDictionary<int, int>(), 0L);
        for (var i = 0; i < requests && faults.Count < 5; i++)
        {
            var one = random.Next();
            var budget = Budget.Start();
            var answer = await ask(new Random(one));
            statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            largest = Math.Max(largest, i % LookEvery == 0 ? Environment.WorkingSet : 0);
            if (budget.IsOver(Longest))
            {
                faults.Add($"{i} ({one}) took too long: {answer.Asked}");
            }
            if ((answer.Status < 300 ? wrong?.Invoke(answer) : ProblemOf(answer)) is { } problem)
            {
                faults.Add($"{i} ({one}) {problem}: {answer.Asked} {string.Join(" ", host.Errors)}");
            }
        }
        output.WriteLine(string.Join(", ", statuses.Select(status => $"{status.Value} of {status.Key}")));
        output.WriteLine($"{Environment.CpuUsage.TotalTime - worked} of processor time");

        string.Join("\n", faults).Should().BeEmpty($"of seed {seed}");
        host.Errors.Should().BeEmpty($"of seed {seed}");
        if (requests >= EnoughToCount)
        {
            statuses.Where(status => status.Key < 300).Sum(status => status.Value).Should().BeGreaterThan((int)(leastAccepted * requests), $"of seed {seed}");
        }
        (largest >> 20).Should().BeLessThan(MostMemoryMb);
    }

    private static string? ProblemOf(Answer answer)
    {
        if (answer.Status < 400)
        {
            return null;
        }
        // What is no HTTP, or too long for its first line, is refused before there is a pipeline.
        if (answer is { Status: 400 or 414 or 431, Body: "" })
        {
            return null;
        }
        if (answer.Status >= 500)
        {
            return $"is {answer.Status} {answer.Body}";
        }
        if (answer.Type?.StartsWith("text/html", StringComparison.Ordinal) == true)
        {
            return null;
        }
        var problem = JsonNode.Parse(answer.Body)!;
        var detail = (string?)problem["detail"] ?? "";
        return Sentences.InsidesOf(detail) is { } insides ? $"is {answer.Status} and says '{insides}': {detail}" : null;
    }

    /// <summary>A definition that was taken is one that can be read again, and says the same then.</summary>
    private static string? WrongDefinition(Answer answer)
    {
        var sent = JsonSent(answer);
        sent["model"] = "taxi-fare";
        var written = DefinitionJson.Write(DefinitionJson.Read(sent.ToJsonString()));
        return DefinitionJson.Write(DefinitionJson.Read(written)) == written ? null : "says something else when it is read again";
    }

    /// <summary>A prediction for each row, and numbers wherever there are any: none is JSON for "not a number".</summary>
    private static string? WrongPrediction(Answer answer)
    {
        var (sent, said) = (JsonSent(answer), JsonNode.Parse(answer.Body)!);
        var predictions = said["predictions"]?.AsArray() ?? [said["prediction"]?.DeepClone()];
        var rows = sent["rows"]?.AsArray().Count ?? 1;
        if (predictions.Count != rows)
        {
            return $"has {predictions.Count} predictions for {rows} rows";
        }
        var contributions = said["contributions"] switch
        {
            JsonArray all => all.SelectMany(row => row!.AsObject().Select(one => one.Value)),
            JsonObject one => one.Select(part => part.Value),
            _ => [],
        };
        return predictions.Concat(contributions).Any(value => value?.GetValueKind() != JsonValueKind.Number || !double.IsFinite(value.GetValue<double>()))
            ? $"has something that is no number: {answer.Body}"
            : null;
    }

    /// <summary>A byte order mark before it is taken, as some editors write one.</summary>
    private static JsonNode JsonSent(Answer answer) => JsonNode.Parse(answer.Sent.StartsWith('\uFEFF') ? answer.Sent[1..] : answer.Sent)!;

    /// <summary>Changed as bytes, as JSON that stays some, or, as often as both, to values that may be as well.</summary>
    private static byte[] Changed(Random random, string[] bodies)
    {
        var body = bodies[random.Next(bodies.Length)];
        return random.Next(4) switch
        {
            0 => new Mutator(random).Change(Encoding.UTF8.GetBytes(body)),
            1 => Encoding.UTF8.GetBytes(new JsonMutator(random).Change(body)),
            _ => Encoding.UTF8.GetBytes(new JsonMutator(random).Vary(body, Cells)),
        };
    }

    /// <summary>A changed part of an address, its characters as they are or escaped, as far as a request line takes them.</summary>
    private static string Segment(Random random, string valid, string kept)
    {
        var text = new StringBuilder();
        foreach (var value in new Mutator(random).Change(Encoding.UTF8.GetBytes(valid)).Take(4000))
        {
            var isPlain = value is > 0x20 and < 0x7f && value is not ((byte)'?' or (byte)'#' or (byte)'%')
                && (value != '/' || kept.Contains('/', StringComparison.Ordinal));
            if ((isPlain && random.Next(12) > 0) || kept.Contains((char)value, StringComparison.Ordinal) || value == '%')
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
            }
        }
        return text.ToString();
    }

    private static HttpClient Client(WebHost host) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = host.Client.BaseAddress, Timeout = TimeSpan.FromMinutes(2) };

    private static async Task<Answer> OverHttpAsync(HttpClient client, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, new Uri(client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, AsItIs));
        if (method == HttpMethod.Put)
        {
            request.Content = new StringContent("{}");
        }
        using var answer = await client.SendAsync(request);
        return new Answer($"{method} {path}", (int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString(), await answer.Content.ReadAsStringAsync());
    }

    private static async Task<Answer> InProcessAsync(WebHost host, string method, string path, byte[] body)
    {
        await using var call = host.Get<IServiceScopeFactory>().CreateAsyncScope();
        using var answered = new MemoryStream();
        var http = new DefaultHttpContext
        {
            RequestServices = call.ServiceProvider,
            Request = { Method = method, Path = path, Body = new MemoryStream(body), ContentLength = body.Length, Protocol = "HTTP/1.1" },
            Response = { Body = answered },
        };
        await host.Get<WebPipeline>().RunAsync(http, default);
        var shown = Encoding.UTF8.GetString(body);
        return new Answer(
            $"{method} {path} {shown[..Math.Min(500, shown.Length)]}", http.Response.StatusCode, http.Response.ContentType,
            Encoding.UTF8.GetString(answered.ToArray()))
        {
            Sent = shown,
        };
    }

    private static async Task TrainAsync(WebHost host, string model)
    {
        var random = new Random(7);
        var csv = new StringBuilder("size,colour,when,flag,price\n");
        for (var i = 0; i < 300; i++)
        {
            csv.Append(
                CultureInfo.InvariantCulture,
                $"{random.NextDouble() * 10:0.000},{(random.Next(2) == 0 ? "red" : "blue")},{new DateTime(2026, 1, 1).AddHours(i):yyyy-MM-dd HH:mm},"
                    + $"{(i % 3 == 0 ? "true" : "false")},{random.NextDouble():0.000}\n");
        }
        await host.Client.PutAsync($"/raw/{model}/rows.csv", new StringContent(csv.ToString())).ShouldBeAsync(HttpStatusCode.Created);
        await host.Client.PutJsonAsync(
            $"/pipelines/{model}",
            """
            {"target": "price", "features": {"dateParts": ["when"]},
             "columns": {"size": {"impute": "median"}, "colour": {"impute": {"constant": "red"}}},
             "candidates": [{"trainer": "lightgbm", "trees": 20, "minRowsPerLeaf": 5}]}
            """)
            .ShouldBeAsync(HttpStatusCode.Created);
        var run = await host.Client.PostAsync($"/pipelines/{model}/runs", null).ShouldBeAsync(HttpStatusCode.Accepted);
        var ended = await host.Client.GetAsync($"/runs/{(string)run["runId"]!}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)ended["state"]!).Should().Be("succeeded");
    }

    private sealed record Answer(string Asked, int Status, string? Type, string Body)
    {
        /// <summary>The request's body.</summary>
        public string Sent { get; init; } = "";
    }
}
