using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests.Dashboard;

/// <summary>Pages of a model that is really trained, without a browser: what one shows and offers is in its text.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class PagesTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string AdminKey = "a-key-of-the-settings-that-is-long-enough";

    private readonly string model = AzuriteFixture.UniqueModel();
    private WebHost host = null!;

    public async Task InitializeAsync() => host = await WebHost.StartAsync(azurite.NewStorage(), services => services
        .Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>())
        .AddSingleton(new AccessOptions { AdminKey = AdminKey }));

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task Every_page_is_told_as_JSON_too_and_runs_nothing_that_is_not_ours()
    {
        var run = await TrainAsync();
        var dataset = (string)(await GetJsonAsync($"/datasets/{model}/versions?stage=raw"))["versions"]![0]!["version"]!["id"]!;
        foreach (var address in new[]
        {
            "/dashboard", "/dashboard/runs", $"/dashboard/runs?model={model}&metric=val_rmse&sort=lowest", $"/dashboard/runs/{run}",
            $"/dashboard/runs/compare?run={run}&run={run}", "/dashboard/models", $"/dashboard/models/{model}", $"/dashboard/models/{model}/versions/1",
            $"/dashboard/models/{model}/traffic", $"/dashboard/models/{model}/monitoring",
            "/dashboard/data", $"/dashboard/data/{model}", $"/dashboard/data/{model}/{dataset}", $"/dashboard/data/{model}/diff?from={dataset}&to={dataset}",
            $"/dashboard/data/{model}/diff?from={dataset}&to={dataset}&compared=true",
            "/dashboard/new", $"/dashboard/new/{model}?source=raw/{model}/a.csv", $"/dashboard/new/{model}?source=raw/{model}/a.csv&looked=true",
        })
        {
            using var page = await AskAsync(address, "text/html");
            var text = await page.Content.ReadAsStringAsync();
            page.StatusCode.Should().Be(HttpStatusCode.OK, "the page {0} is {1}", address, text);
            var html = new HtmlParser().ParseDocument(text);
            html.QuerySelectorAll("script:not([src]), style, [style], [onclick], [onload]").Should().BeEmpty("{0} has nothing inline", address);
            html.QuerySelector("h1")!.TextContent.Trim().Should().NotBeEmpty();
            html.QuerySelectorAll("main").Should().ContainSingle();
            html.QuerySelectorAll("script[src], link[rel=stylesheet]").Should().HaveCount(2);
            page.Headers.GetValues("Content-Security-Policy").Should().ContainSingle().Which.Should().Contain("script-src 'self'").And.NotContain("unsafe");

            var twin = html.QuerySelector("link[type='application/json']")!.GetAttribute("href")!;
            using var json = await AskAsync(twin, "*/*");
            json.Content.Headers.ContentType!.MediaType.Should().Be("application/json", "the twin of {0} is {1}", address, twin);
            JsonNode.Parse(await json.Content.ReadAsStringAsync()).Should().NotBeNull();
            (await AskAsync(address, "application/json")).Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        }
    }

    /// <summary>Comparing reads both tables: nobody waits for it before a page.</summary>
    [Fact]
    public async Task A_diff_begins_with_its_columns_and_says_where_the_rest_is()
    {
        await TrainAsync();
        var dataset = (string)(await GetJsonAsync($"/datasets/{model}/versions?stage=raw"))["versions"]![0]!["version"]!["id"]!;
        var address = $"/dashboard/data/{model}/diff?from={dataset}&to={dataset}";

        var first = new HtmlParser().ParseDocument(await TextAsync(address, AdminKey));
        var later = first.QuerySelector("[data-later]")!.GetAttribute("data-later")!;
        var whole = new HtmlParser().ParseDocument(await TextAsync(later, AdminKey));

        later.Should().Be($"{address}&compared=true").And.Be(first.QuerySelector("[data-later] a")!.GetAttribute("href"), "without a script it is a link");
        first.Body!.TextContent.Should().NotContain("How the values moved");
        whole.QuerySelectorAll("[data-later]").Should().BeEmpty();
        whole.Body!.TextContent.Should().Contain("How the values moved").And.Contain("The same");
    }

    /// <summary>Finding a definition reads all of the file.</summary>
    [Fact]
    public async Task A_new_file_has_a_page_before_it_is_looked_at()
    {
        await TrainAsync();
        var address = $"/dashboard/new/{model}?source=raw/{model}/a.csv";

        var first = new HtmlParser().ParseDocument(await TextAsync(address, AdminKey));
        var later = first.QuerySelector("[data-later]")!.GetAttribute("data-later")!;
        var whole = new HtmlParser().ParseDocument(await TextAsync(later, AdminKey));

        later.Should().Be($"{address}&looked=true");
        first.QuerySelector("h1")!.TextContent.Trim().Should().Be(whole.QuerySelector("h1")!.TextContent.Trim());
        first.QuerySelectorAll("form.definition").Should().BeEmpty();
        whole.QuerySelectorAll("form.definition, select[name=target]").Should().HaveCount(2);
    }

    [Fact]
    public async Task What_somebody_may_not_do_is_not_offered_to_them()
    {
        await TrainAsync();
        var reader = (await host.Get<AccessKeyStore>().AddAsync($"reader-{model}", RouteRole.Reader, default)).Text;

        (await ActionsAsync($"/dashboard/models/{model}", AdminKey)).Should().Contain(["Start a run"]);
        (await ActionsAsync($"/dashboard/models/{model}", reader)).Should().BeEmpty();
        (await ActionsAsync("/dashboard/new", reader)).Should().BeEmpty();
        (await TextAsync($"/dashboard/models/{model}", AdminKey)).Should().Contain("Who decided what");
        (await TextAsync($"/dashboard/models/{model}", reader)).Should().NotContain("Who decided what");
    }

    [Fact]
    public async Task A_page_that_is_not_there_says_so_as_a_page_to_a_person_and_as_a_problem_to_a_program()
    {
        using var page = await AskAsync("/dashboard/runs/none", "text/html");

        page.StatusCode.Should().Be(HttpStatusCode.NotFound);
        (await page.Content.ReadAsStringAsync()).Should().Contain("There is no run &#x27;none&#x27;.").And.Contain("Back to the overview");
        (await host.Client.SendAsync(Request("/dashboard/runs/none", "application/json", AdminKey))).Content.Headers.ContentType!.MediaType
            .Should().Be("application/problem+json");
        foreach (var (address, words) in new[]
        {
            ("/dashboard/runs?state=odd", "must be one of queued"), ("/dashboard/runs?sort=lowest", "Name the metric"),
            ("/dashboard/runs?min=x", "must be a number"),
            ("/dashboard/runs?from=yesterday", "must be a time"), ("/dashboard/runs/compare?run=a", "Choose 2 to 10 runs"),
            ($"/dashboard/data/{model}?stage=cooked", "must be one of raw"),
            ($"/dashboard/new/{model}?source=raw/other/a.csv", "must be an uploaded file of this model"),
        })
        {
            using var wrong = await AskAsync(address, "text/html");
            wrong.StatusCode.Should().Be(HttpStatusCode.BadRequest, "{0} cannot be answered", address);
            (await wrong.Content.ReadAsStringAsync()).Should().Contain(words);
        }
    }

    [Fact]
    public async Task A_browser_that_has_not_signed_in_is_led_to_where_it_can_and_a_program_gets_401()
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = host.Client.BaseAddress };

        using var person = await client.SendAsync(Request("/dashboard/models", "text/html", key: null));
        using var program = await client.SendAsync(Request("/dashboard/models", "application/json", key: null));
        using var home = await client.SendAsync(Request("/", "text/html", AdminKey));

        (person.StatusCode, person.Headers.Location!.ToString()).Should().Be((HttpStatusCode.Redirect, "/signin?return=%2Fdashboard%2Fmodels"));
        program.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
        (home.StatusCode, home.Headers.Location!.ToString()).Should().Be((HttpStatusCode.Redirect, "/dashboard"));
        ((string)(await GetJsonAsync("/"))["dashboard"]!).Should().Be("/dashboard");
    }

    [Fact]
    public async Task What_people_wrote_is_text_on_a_page()
    {
        var run = await TrainAsync();
        await host.Get<RunStore>().UpdateAsync(
            run, found => found with { BlockedBy = ["<img src=x onerror=alert(1)>"], Error = "\"><script>alert(2)</script>" }, default);

        var text = await TextAsync($"/dashboard/runs/{run}", AdminKey);

        text.Should().Contain("&lt;img src=x onerror=alert(1)&gt;").And.Contain("&lt;script&gt;alert(2)")
            .And.NotContain("<img src=x").And.NotContain("<script>alert");
    }

    [Fact]
    public async Task A_file_is_looked_at_and_nothing_is_started_or_kept()
    {
        await UploadAsync();

        var found = await SendAsync(HttpMethod.Post, $"/pipelines/{model}/infer", """{ "ignore": ["id"] }""").ShouldBeAsync(HttpStatusCode.OK);

        ((string)found["definition"]!["target"]!, (bool)found["guessed"]!, (long)found["rows"]!).Should().Be(("price", true, 200));
        ((string)found["definition"]!["columns"]!["id"]!).Should().Be("ignore");
        found["columns"]!.AsArray().Select(column => $"{column!["name"]} {column["kind"]} {column["values"]}").Should().Equal(
            "id idLike 200", "size numeric 190", "colour categorical 200", "price numeric 200");
        found["sample"]![0]!.AsArray().Select(cell => (string?)cell).Should().Equal("H000", null, "red", "5.0");
        (await SendAsync(HttpMethod.Get, $"/pipelines/{model}", null).ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("has no pipeline definition");
        (await host.Get<RunStore>().ListAsync(model, 1, default)).Should().BeEmpty();
        (await SendAsync(HttpMethod.Post, $"/pipelines/{model}/infer", """{ "target": "prize" }""").ShouldFailAsync(HttpStatusCode.BadRequest))
            .Should().Contain("did you mean 'price'");
        // What was found is a definition that is taken as it is.
        await SendAsync(HttpMethod.Put, $"/pipelines/{model}", found["definition"]!.ToJsonString()).ShouldBeAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_model_that_is_not_made_of_trees_says_that_it_has_no_learning_curve()
    {
        var run = await TrainAsync();

        (await TextAsync($"/dashboard/runs/{run}", AdminKey)).Should().Contain("so it has no learning curve");
        ((string)(await GetJsonAsync($"/dashboard/runs/{run}"))["learningCurve"]!["candidate"]!).Should().Be("0-sdca");
    }

    [Fact]
    public async Task A_dataset_page_says_what_its_columns_hold()
    {
        await TrainAsync();

        var page = await GetJsonAsync($"/dashboard/data/{model}/latest");

        var columns = page["statistics"]!["columns"]!.AsArray().ToDictionary(column => (string)column!["name"]!, column => column!);
        ((long)page["statistics"]!["rows"]!).Should().Be(200);
        ((long)columns["size"]["missing"]!, (double)columns["size"]["min"]!, (double)columns["size"]["max"]!).Should().Be((10, 1, 19));
        columns["size"]["histogram"]!.AsArray().Sum(bin => (long)bin!).Should().Be(190);
        columns["colour"]["top"]!.AsArray().Select(top => $"{top!["value"]} {top["count"]}").Should().Equal("blue 100", "red 100");
        var clean = await GetJsonAsync($"/dashboard/data/{model}/v1:clean");
        clean["dropped"]!.AsObject().Should().ContainKey("null: size");

        // The first of the rows that were dropped, here and on the run's page.
        var run = await GetJsonAsync($"/dashboard/runs/{clean["runs"]![0]}");
        foreach (var example in new[] { clean, run }.Select(twin => twin["droppedRows"]!.AsArray().Should().ContainSingle().Subject!))
        {
            ((string)example["reason"]!, example["rows"]!.AsArray().Count, (long)example["line"]!).Should().Be(("null: size", 5, 2));
            var size = example["columns"]!.AsArray().Select(column => (string)column!).ToList().IndexOf("size");
            example["rows"]!.AsArray().Should().OnlyContain(row => row![size] == null);
        }
        foreach (var address in new[] { $"/dashboard/data/{model}/v1:clean", $"/dashboard/runs/{clean["runs"]![0]}" })
        {
            (await TextAsync(address, AdminKey)).Should().Contain("What was dropped and why").And.Contain("null: size: the first 5 rows, from line 2");
        }
        var plain = await SendAsync(HttpMethod.Get, $"/runs/{clean["runs"]![0]}", json: null).ShouldBeAsync(HttpStatusCode.OK);
        plain.AsObject().Should().NotContainKey("droppedRows", "rows are on pages, and a run's record has none");
    }

    /// <summary>Not below the metrics, where it is found by who looks for it.</summary>
    [Fact]
    public async Task What_nobody_should_miss_stands_above_the_numbers_of_a_run_and_of_its_version()
    {
        const string Lost = "10 of 200 rows were left out: null: size (the first is line 2).";
        var run = await TrainAsync();

        foreach (var address in new[] { $"/dashboard/runs/{run}", $"/dashboard/models/{model}/versions/1" })
        {
            var page = new HtmlParser().ParseDocument(await TextAsync(address, AdminKey));
            var sections = page.QuerySelectorAll("main section").ToList();

            var told = sections.Where(section => section.TextContent.Contains(Lost, StringComparison.Ordinal)).Should().ContainSingle(address).Subject;
            told.ClassName.Should().Be("warning");
            sections.IndexOf(told).Should().BeLessThan(sections.FindIndex(section => section.QuerySelector("h2")?.TextContent == "Metrics"));
        }
        (await GetJsonAsync($"/dashboard/models/{model}/versions/1"))["headlines"]!.AsArray().Select(warning => (string)warning!["text"]!).Should()
            .Contain(Lost);
    }

    [Fact]
    public async Task A_dataset_page_leads_to_the_runs_that_it_does_not_show()
    {
        await TrainAsync();
        var latest = await GetJsonAsync($"/dashboard/data/{model}/latest");
        var id = (string)latest["version"]!["id"]!;
        var (log, runs) = (host.Get<DataLog>(), host.Get<RunStore>());
        var first = (await runs.FindAsync((string)latest["runs"]![0]!, default))!;
        var manifest = await host.Get<DatasetStore>().GetAsync(id, default);
        for (var i = 1; i <= 10; i++)
        {
            await log.RecordAsync(first with { RunId = RunId.New(model, first.Created.AddSeconds(i)) }, "raw", manifest, default);
        }

        var page = await GetJsonAsync($"/dashboard/data/{model}/latest");
        var text = await TextAsync($"/dashboard/data/{model}/latest", AdminKey);

        latest.AsObject().Should().NotContainKey("moreRuns");
        page["runs"]!.AsArray().Should().HaveCount(10);
        text.Should().Contain("later runs, as JSON");
        var more = await GetJsonAsync($"/datasets/{model}/versions/{id}?next={Uri.EscapeDataString((string)page["moreRuns"]!)}");
        more["runs"]!.AsArray().Should().ContainSingle().Which!.GetValue<string>().Should().NotBe((string)page["runs"]![9]!);
    }

    [Fact]
    public async Task The_lineage_of_a_version_whose_nulls_are_filled_leads_to_its_file()
    {
        await TrainAsync("""{ "id": "ignore", "size": { "kind": "numeric", "impute": "median" } }""");

        var graph = await GetJsonAsync($"/lineage/version/{model}@1");

        var edges = graph["edges"]!.AsArray().GroupBy(edge => (string)edge!["to"]!)
            .ToDictionary(edge => edge.Key, edge => (string)edge.First()!["from"]!);
        var path = new List<string> { $"version/{model}@1" };
        while (edges.TryGetValue(path[^1], out var from))
        {
            path.Add(from);
        }
        path.Should().HaveCount(7, "version, run, train or validation, features, clean, raw, file").And.HaveElementAt(6, $"file/raw/{model}/a.csv");
        (await TextAsync($"/dashboard/models/{model}/versions/1", AdminKey)).Should().Contain("class=\"edge\"");
    }

    private async Task UploadAsync()
    {
        var rows = Enumerable.Range(0, 200).Select(i =>
            $"H{i:D3},{(i % 20 == 0 ? "" : i % 20)},{(i % 2 == 0 ? "red" : "blue")},{(i % 20 * 3) + (i % 2 == 0 ? 5 : 0)}.0");
        using var upload = Request($"/raw/{model}/a.csv", "*/*", AdminKey, HttpMethod.Put);
        upload.Content = new StringContent("id,size,colour,price\n" + string.Join('\n', rows) + "\n", Encoding.UTF8, "text/csv");
        (await host.Client.SendAsync(upload)).StatusCode.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Of_runs_side_by_side_what_differs_from_the_first_is_marked_and_charts_name_them_as_the_table_does()
    {
        var first = await TrainAsync();
        var again = await SendAsync(HttpMethod.Post, $"/pipelines/{model}/runs", "{}").ShouldBeAsync(HttpStatusCode.Accepted);
        var runs = new[] { first, (string)again["runId"]! };
        await host.Get<RunStore>().UpdateAsync(runs[1], found => found with { Trigger = "schedule" }, default);

        var page = new HtmlParser().ParseDocument(await TextAsync($"/dashboard/runs/compare?run={runs[1]}&run={runs[0]}", AdminKey));

        string[] Cells(string name) =>
        [
            .. page.QuerySelectorAll("tbody tr").Single(row => row.Children[0].TextContent == name).Children.Skip(1)
                .Select(cell => cell.TextContent + (cell.ClassList.Contains("differs") ? " differs" : "")),
        ];
        page.QuerySelectorAll("thead")[0].TextContent.Should().Contain($"1. {model}").And.Contain($"2. {model}");
        Cells("Started by").Should().Equal("http", "schedule differs");
        Cells("Version").Should().Equal("1", "2 differs");
        Cells("Rows").Should().Equal("190", "190");
        var chart = page.QuerySelector("figure svg")!;
        chart.QuerySelectorAll("text").Select(text => text.TextContent).Should().ContainInOrder("1", "2");
        chart.GetAttribute("aria-label").Should().StartWith("val_mae; from ").And.Contain($"(2. {model}, ");
    }

    [Fact]
    public async Task A_run_tells_how_its_rows_were_divided()
    {
        var run = await TrainAsync(split: """{ "test": 0.2 }""", train: """{ "folds": 0, "sample": 0.5 }""");

        var page = new HtmlParser().ParseDocument(await TextAsync($"/dashboard/runs/{run}", AdminKey));

        string Told(string name) => page.QuerySelectorAll("dt").Single(one => one.TextContent == name).NextElementSibling!.TextContent.Trim();
        Told("Split by").Should().Be("the content of each row");
        Told("Test rows").Should().Be("a share of 0.2, declared");
        Told("Trained on").Should().MatchRegex("^[0-9]+ of [0-9]+ training rows$");
    }

    private async Task<string> TrainAsync(
        string columns = """{ "id": "ignore" }""", string split = "{}", string train = """{ "folds": 0 }""")
    {
        await UploadAsync();
        await SendAsync(
            HttpMethod.Put, $"/pipelines/{model}",
            $$"""
            { "target": "price", "columns": {{columns}}, "cleaning": { "duplicates": "keep" }, "split": {{split}}, "train": {{train}},
              "candidates": [{ "trainer": "sdca" }] }
            """)
            .ShouldBeAsync(HttpStatusCode.Created);
        return (string)(await SendAsync(HttpMethod.Post, $"/pipelines/{model}/runs", "{}").ShouldBeAsync(HttpStatusCode.Accepted))["runId"]!;
    }

    private async Task<IReadOnlyList<string>> ActionsAsync(string address, string key) =>
    [
        .. new HtmlParser().ParseDocument(await TextAsync(address, key)).QuerySelectorAll("main form.action button, main form.new-model input")
            .Select(button => button.TextContent.Trim()),
    ];

    private async Task<string> TextAsync(string address, string key)
    {
        using var answer = await host.Client.SendAsync(Request(address, "text/html", key));
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        return await answer.Content.ReadAsStringAsync();
    }

    private Task<HttpResponseMessage> AskAsync(string address, string accept) => host.Client.SendAsync(Request(address, accept, AdminKey));

    private Task<JsonNode> GetJsonAsync(string address) =>
        host.Client.SendAsync(Request(address, "application/json", AdminKey)).ShouldBeAsync(HttpStatusCode.OK);

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string address, string? json)
    {
        var request = Request(address, "*/*", AdminKey, method);
        request.Content = json is null ? null : new StringContent(json, Encoding.UTF8, "application/json");
        return host.Client.SendAsync(request);
    }

    private static HttpRequestMessage Request(string address, string accept, string? key, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, address) { Headers = { { "Accept", accept } } };
        if (key is not null)
        {
            request.Headers.Add("Authorization", $"Bearer {key}");
        }
        return request;
    }
}
