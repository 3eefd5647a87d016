using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Serving;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Web.Tests.Hostile;

/// <summary>A table whose every name and value is SQL, HTML or a formula goes all the way, and is data everywhere.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class InjectionTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Number = "x\"; DROP TABLE t; --";
    private const string Category = "<script>alert(1)</script>";
    private const string Copy = "'; COPY (SELECT 1) TO 'pwned.csv'; --";
    private const string Time = "<!channel> & <https://evil.example|click>";
    private const string Target = "\"><svg onload=alert(1)>";
    private const string Yes = "<b onclick=alert(1)>yes</b>";
    private const string No = "no'); --";
    private const string Owner = "<iframe src=javascript:alert(1)></iframe> [x](javascript:alert(1))";
    private const string File = "it's [1] & co; DROP TABLE t; --.csv";

    private const int MonitoredRows = 200;

    private static readonly string[] Values =
    [
        "<img src=x onerror=alert(1)>", "'; COPY (SELECT 1) TO 'pwned.csv'; --", "=HYPERLINK(\"http://evil.example\",\"x\")", "</title><base href=//evil>",
    ];

    /// <summary>Elements of which our pages have none.</summary>
    private static readonly string[] Dangerous = ["script", "iframe", "object", "embed", "base", "b", "link"];

    private readonly string model = AzuriteFixture.UniqueModel();
    private SlackEndpoint slack = null!;
    private WebHost host = null!;

    public async Task InitializeAsync()
    {
        slack = await SlackEndpoint.StartAsync();
        host = await WebHost.StartAsync(azurite.NewStorage(), services => services
            .Replace(ServiceDescriptor.Singleton<IScorerLoader, ArtifactScorerLoader>())
            .Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>())
            .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url, BaseUrl = new Uri("https://mlops.example") })
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) })
            .AddPredictionLog().AddTriggers());
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await slack.DisposeAsync();
    }

    [Fact]
    public async Task A_table_of_attacks_is_a_table_like_any_other()
    {
        await DefineAsync(Target);
        var first = await RunAsync(shift: 0);
        var second = await RunAsync(shift: 3);
        var pages = await PagesAsync(first, second);

        pages.Keys.Select(page => page[(page.LastIndexOf('/') + 1)..]).Distinct().Should().HaveCountGreaterThan(2, "card, explanation and drift are pages");
        foreach (var (name, page) in pages)
        {
            AssertHarmless(name, page);
        }
        pages.Values.Should().Contain(page => page.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", StringComparison.Ordinal), "the column is named on them");
        var card = await host.Client.GetStringAsync(await CardAsync(second));
        Regex.IsMatch(card, @"(?<!\\)<(?!!--)").Should().BeFalse("Markdown would take it for HTML: {0}", card);
        Regex.IsMatch(card, @"(?<!\\)\]\(javascript:").Should().BeFalse("Markdown would take it for a link: {0}", card);

        var predicted = await PredictAsync(new JsonObject { [Number] = 3, [Category] = Values[0], [Copy] = 1.5, [Time] = "2026-02-03" });
        ((string)predicted["prediction"]!).Should().BeOneOf(Yes, No);
        predicted["contributions"]!.AsObject().Should().ContainKey(Category);
        System.IO.File.Exists("pwned.csv").Should().BeFalse();
        host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Live_rows_of_attacks_are_watched_like_any_others_and_every_page_shows_them_as_text()
    {
        await DefineAsync(Target);
        var run = await RunAsync(shift: 0);
        slack.Calls.Clear();
        await PredictAttacksAsync();

        await host.Get<LiveDriftTrigger>().LookAsync(default);

        var check = await host.Client.GetAsync($"/models/{model}/drift").ShouldBeAsync(HttpStatusCode.OK);
        ((bool)check["drifted"]!).Should().BeTrue();
        check["report"]!["comparisons"]![0]!["scores"]!.AsArray().Select(score => (string)score!["column"]!).Should().Contain([Number, Category, Copy]);
        var report = await host.Client.GetStringAsync($"/models/{model}/drift/page");
        AssertHarmless("drift", report);
        report.Should().Contain("&lt;script&gt;alert(1)&lt;/script&gt;").And.Contain("&lt;object data=x&gt;", "a new category is an example");
        var told = string.Concat(slack.Calls.Should().ContainSingle().Subject.Message.GetProperty("blocks").EnumerateArray().SelectMany(TextsOf)
            .Where(text => text.Type == "mrkdwn").Select(text => text.Text));
        told.Should().Contain("&lt;script&gt;").And.NotContain("<script>").And.NotContain("<!channel>").And.NotContain("<https://evil");
        foreach (var address in await DashboardAsync(run))
        {
            AssertHarmless(address, await host.Client.GetStringAsync(address), isDashboard: true);
        }
        System.IO.File.Exists("pwned.csv").Should().BeFalse();
        host.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task What_the_table_is_exported_as_is_what_it_holds()
    {
        await DefineAsync(Target);
        await RunAsync(shift: 0);
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        var folder = Directory.CreateTempSubdirectory("mlops-export-[x]'-").FullName;
        var path = Path.Combine(folder, "it's [1]*.csv");

        await host.Get<DatasetExport>().WriteAsync(version.Lineage.Clean, path, default);

        var text = await System.IO.File.ReadAllTextAsync(path);
        text.Should().Contain("x\"\"; DROP TABLE t; --")
            .And.Contain("=HYPERLINK(\"\"http://evil.example\"\"", "cells are data, not changed for programs that run them");
        Directory.GetFiles(folder).Should().ContainSingle();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Alerts_wake_nobody_and_lead_nowhere_else()
    {
        await DefineAsync("<!channel> <https://evil.example|click> & *no* column");
        var run = await RunAsync(shift: 0, expected: "failed");

        ((string)run["error"]!).Should().Contain("<!channel>");
        var texts = slack.Calls.Should().ContainSingle().Subject.Message.GetProperty("blocks").EnumerateArray()
            .SelectMany(TextsOf).Where(text => text.Type == "mrkdwn").Select(text => text.Text).ToList();
        string.Concat(texts).Should().Contain("&lt;!channel&gt;").And.NotContain("<!channel>").And.NotContain("<https://evil");
        host.Errors.Should().ContainSingle().Which.Should().StartWith("Run ");
    }

    [Fact]
    public async Task What_is_not_known_is_quoted_as_text()
    {
        await DefineAsync(Target);
        await RunAsync(shift: 0);
        using var answer = await host.Client.PostJsonAsync(
            "/predict", $$$"""{"model": "{{{model}}}", "features": {"<script>alert(2)</script>": "'; DROP TABLE t; --"}}""");

        answer.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        answer.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
        await host.Client.GetAsync("/models/%3Cscript%3Ealert(1)%3C%2Fscript%3E").ShouldFailAsync(HttpStatusCode.NotFound);
        var signin = await host.Client.GetStringAsync("/signin?return=%2F%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E");
        AssertHarmless("signin", signin);
        signin.Should().Contain("alert(1)");
    }

    private async Task DefineAsync(string target)
    {
        var definition = new JsonObject
        {
            ["target"] = target,
            ["owner"] = Owner,
            ["intendedUse"] = Category,
            ["limits"] = Owner,
            ["columns"] = new JsonObject
            {
                [Number] = new JsonObject { ["kind"] = "numeric", ["impute"] = "median" },
                [Category] = new JsonObject { ["kind"] = "categorical", ["impute"] = new JsonObject { ["constant"] = Values[1] } },
                [Time] = "datetime",
            },
            ["features"] = new JsonObject
            {
                ["interactions"] = new JsonArray(new JsonArray(Number, Copy)),
                ["logs"] = new JsonArray(Copy),
                ["dateParts"] = new JsonArray(Time),
            },
            ["split"] = new JsonObject { ["key"] = new JsonArray(Number, Category, Copy), ["test"] = 0.1 },
            ["train"] = new JsonObject { ["folds"] = 0 },
            ["monitor"] = new JsonObject { ["minRows"] = MonitoredRows },
            ["candidates"] = new JsonArray(new JsonObject { ["trainer"] = "lightgbm", ["trees"] = 15, ["minRowsPerLeaf"] = 5 }),
        };
        using var stored = await host.Client.PutJsonAsync($"/pipelines/{model}", definition.ToJsonString());
        stored.IsSuccessStatusCode.Should().BeTrue(await stored.Content.ReadAsStringAsync());
    }

    private async Task<JsonNode> RunAsync(double shift, string expected = "succeeded")
    {
        var file = Uri.EscapeDataString(File);
        await host.Client.PutAsync($"/raw/{model}/{file}", new StringContent(Table(shift))).ShouldBeAsync(HttpStatusCode.Created);
        var started = await host.Client.PostAsync($"/pipelines/{model}/runs", null).ShouldBeAsync(HttpStatusCode.Accepted);
        var run = await host.Client.GetAsync($"/runs/{(string)started["runId"]!}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)run["state"]!).Should().BeOneOf([expected, expected == "succeeded" ? "blocked" : expected], run.ToJsonString(HttpAssertions.Relaxed));
        return run;
    }

    /// <summary>Rows that are far from those of training, with a category that was not there.</summary>
    private async Task PredictAttacksAsync()
    {
        var random = new Random(5);
        var rows = new JsonArray([.. Enumerable.Range(0, MonitoredRows).Select(i => new JsonObject
        {
            [Number] = 20 + random.NextDouble(),
            [Category] = i % 2 == 0 ? "<object data=x>" : Values[random.Next(Values.Length)],
            [Copy] = random.Next(1, 100),
            [Time] = "2026-02-03",
        })]);
        await host.Client.PostJsonAsync("/predict", new JsonObject { ["model"] = model, ["rows"] = rows }.ToJsonString()).ShouldBeAsync(HttpStatusCode.OK);
        await Eventually.IsTrueAsync(() => host.Get<PredictionLog>().Waiting == 0);
    }

    /// <summary>All pages of the dashboard that tell of the model.</summary>
    private async Task<IReadOnlyList<string>> DashboardAsync(JsonNode run)
    {
        var versions = await host.Client.GetAsync($"/datasets/{model}/versions").ShouldBeAsync(HttpStatusCode.OK);
        var data = versions["versions"]!.AsArray().Select(version => (string)version!["version"]!["id"]!).ToList();
        return
        [
            "/dashboard", "/dashboard/runs", $"/dashboard/runs/{(string)run["runId"]!}", "/dashboard/models", $"/dashboard/models/{model}",
            $"/dashboard/models/{model}/monitoring", $"/dashboard/models/{model}/traffic", $"/dashboard/models/{model}/versions/1", "/dashboard/data",
            $"/dashboard/data/{model}", .. data.Select(id => $"/dashboard/data/{model}/{id}"), $"/dashboard/data/{model}/diff?from={data[0]}&to={data[^1]}",
            $"/dashboard/data/{model}/diff?from={data[0]}&to={data[^1]}&compared=true",
            $"/dashboard/new/{model}?source=raw/{model}/{Uri.EscapeDataString(File)}",
            $"/dashboard/new/{model}?source=raw/{model}/{Uri.EscapeDataString(File)}&looked=true",
        ];
    }

    private static string Table(double shift)
    {
        var random = new Random((int)shift + 1);
        var csv = new StringBuilder();
        Line(Number, Category, Copy, Time, Target);
        for (var i = 0; i < 400; i++)
        {
            var number = random.NextDouble() * 10;
            Line(
                i % 50 == 0 ? "" : (number + shift).ToString("0.000", CultureInfo.InvariantCulture), i % 40 == 0 ? "" : Values[random.Next(Values.Length)],
                random.Next(1, 100).ToString(CultureInfo.InvariantCulture),
                new DateTime(2026, 1, 1).AddHours(i).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
                number + random.NextDouble() > 5 ? Yes : No);
        }
        return csv.ToString();

        void Line(params string[] cells) =>
            csv.AppendJoin(',', cells.Select(cell => $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"")).Append('\n');
    }

    private async Task<Dictionary<string, string>> PagesAsync(params JsonNode[] runs)
    {
        var pages = new Dictionary<string, string>();
        foreach (var url in runs.SelectMany(run => run["artifacts"]!.AsArray()).Select(artifact => (string)artifact!["url"]!))
        {
            if (url.EndsWith(".html", StringComparison.Ordinal) || url.EndsWith(".svg", StringComparison.Ordinal))
            {
                pages[url] = await host.Client.GetStringAsync(url);
            }
        }
        return pages;
    }

    private static Task<string> CardAsync(JsonNode run) =>
        Task.FromResult(run["artifacts"]!.AsArray().Select(artifact => (string)artifact!["url"]!).Single(url => url.EndsWith(".md", StringComparison.Ordinal)));

    private Task<JsonNode> PredictAsync(JsonObject row) => host.Client.PostJsonAsync(
        "/predict", new JsonObject { ["model"] = model, ["features"] = row, ["explain"] = true }.ToJsonString()).ShouldBeAsync(HttpStatusCode.OK);

    /// <summary>As a browser parses it: nothing runs, loads, frames or leads away.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="page">Its text.</param>
    /// <param name="isDashboard">It has a script and a style of ours.</param>
    private static void AssertHarmless(string name, string page, bool isDashboard = false)
    {
        var document = new HtmlParser(new HtmlParserOptions { IsScripting = true }).ParseDocument(page);
        foreach (var element in document.All.Where(element => !isDashboard || !IsOurs(element)))
        {
            Dangerous.Should().NotContain(element.LocalName, $"{name}: {Shown(element)}");
            element.Attributes.Should().NotContain(
                attribute => attribute.LocalName.StartsWith("on", StringComparison.OrdinalIgnoreCase) || IsAddress(attribute), $"{name}: {Shown(element)}");
        }
    }

    private static bool IsOurs(IElement element) => element switch
    {
        { LocalName: "b", Attributes.Length: 0 } => true,
        { LocalName: "iframe" } => element.GetAttribute("sandbox") == "" && element.GetAttribute("src")?.StartsWith("/runs/", StringComparison.Ordinal) == true,
        { LocalName: "script", TextContent: "" } => element.GetAttribute("src")?.StartsWith("/dashboard/assets/", StringComparison.Ordinal) == true,
        { LocalName: "link" } => element.GetAttribute("href") is { } to
            && (to == "data:," || (to.StartsWith('/') && !to.StartsWith("//", StringComparison.Ordinal))),
        _ => false,
    };

    private static bool IsAddress(IAttr attribute) =>
        attribute.Value.Contains("javascript:", StringComparison.OrdinalIgnoreCase) && attribute.LocalName is "href" or "src" or "action" or "xlink:href"
        || (attribute.LocalName is "href" or "src" && attribute.Value.Contains("evil", StringComparison.Ordinal));

    private static string Shown(IElement element) => element.OuterHtml[..Math.Min(200, element.OuterHtml.Length)];

    private static IEnumerable<(string? Type, string Text)> TextsOf(JsonElement block) => block.ValueKind switch
    {
        JsonValueKind.Object when block.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String =>
            [(block.GetProperty("type").GetString(), text.GetString()!)],
        JsonValueKind.Object => block.EnumerateObject().SelectMany(member => TextsOf(member.Value)),
        JsonValueKind.Array => block.EnumerateArray().SelectMany(TextsOf),
        _ => [],
    };
}
