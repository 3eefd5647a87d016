using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MlOps.Browser.Tests;

/// <summary>The whole product without a terminal: a file becomes a model that predicts, drifts, is approved and rolled back, all in a browser.</summary>
public sealed class StoryTests
{
    private static readonly LocatorAssertionsToBeVisibleOptions Soon = new() { Timeout = 90_000 };

    [ChromiumFact]
    public async Task A_file_becomes_a_model_and_the_next_file_its_second_version()
    {
        await using var dashboard = await Dashboard.OpenAsync();
        var page = dashboard.Page;

        await page.GotoAsync("/");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/dashboard$"));
        await dashboard.LookAsync("empty");

        // A file is dropped, looked at and trained on.
        await page.GetByRole(AriaRole.Link, new() { Name = "New model" }).ClickAsync();
        await Expect(page.Locator("input[type=file]")).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("new");
        await page.SetInputFilesAsync("input[type=file]", File("houses.csv", 600, priceOf: (size, rooms) => (3 * size) + (10 * rooms)));
        await Expect(page.GetByText("New model houses")).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("select[name=target]")).ToHaveValueAsync("price");
        await dashboard.LookAsync("infer");
        await page.Locator("#definition").FillAsync(
            """
            { "target": "price", "columns": { "id": "ignore" }, "candidates": [{ "trainer": "lightgbm", "trees": 20 }, { "trainer": "sdca" }],
              "train": { "folds": 0 }, "gates": { "drift": "warn" }, "runOn": { "newFile": true },
              "monitor": { "every": "00:01:00", "minRows": 100 } }
            """);
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep it, and train" }).ClickAsync();

        // It is watched to its end.
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Run of houses" })).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("h1 .state.succeeded")).ToBeVisibleAsync(Soon);
        await Expect(page.GetByText("promoted to production")).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("run");

        // It predicts.
        await page.GetByText("promoted to production").GetByRole(AriaRole.Link).ClickAsync();
        await page.Locator("[data-feature=size]").FillAsync("100");
        await page.Locator("[data-feature=rooms]").FillAsync("4");
        await Expect(page.Locator("#try-result .answer")).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("#try-result .waterfall li").First).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("#curl")).ToContainTextAsync("\"size\":100");
        var answer = double.Parse((await page.Locator("#try-result .answer").TextContentAsync())!, CultureInfo.InvariantCulture);
        answer.Should().BeApproximately(340, 60, "3 · 100 + 10 · 4, as far as twenty trees know");
        await dashboard.LookAsync("version");

        // Others ask it too, of larger houses: what is made of that is looked at in the end.
        await page.EvaluateAsync(
            """
            async () => {
              const rows = [...Array(300).keys()].map(i => ({ size: 120 + i % 90, rooms: 1 + i % 6, garden: i % 4 ? "no" : "yes" }));
              const answer = await fetch("/predict", { method: "POST", headers: { "Content-Type": "application/json" },
                body: JSON.stringify({ model: "houses", rows }) });
              if (!answer.ok) throw new Error(await answer.text());
            }
            """);

        // A second file that has drifted waits for a person.
        await page.EvaluateAsync(
            """
            async () => {
              const definition = await (await fetch("/pipelines/houses")).json();
              definition.gates.approval = { required: true };
              await fetch("/pipelines/houses", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(definition) });
            }
            """);
        await page.GotoAsync("/dashboard/new");
        await page.Locator("input[name=model]").FillAsync("houses");
        await page.SetInputFilesAsync("input[type=file]", File("houses-2.csv", 600, priceOf: (size, rooms) => (2 * size) + (30 * rooms) + 100, larger: 80));
        await Expect(page.GetByText("has a definition already")).ToBeVisibleAsync(Soon);
        await page.GotoAsync("/dashboard");
        await Expect(page.GetByText("houses: a version waits for approval")).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("overview");
        await page.GetByText("houses: a version waits for approval").ClickAsync();
        await Expect(page.GetByText("waits for a decision")).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("waiting");

        // The two are compared, the second is approved, and taken back.
        await page.GotoAsync("/dashboard/runs?model=houses");
        await dashboard.LookAsync("runs");
        foreach (var box in await page.Locator("input[name=run]").AllAsync())
        {
            await box.CheckAsync();
        }
        await page.GetByRole(AriaRole.Button, new() { Name = "Compare the chosen runs" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Runs side by side" })).ToBeVisibleAsync();
        await dashboard.LookAsync("compare");
        await page.GetByRole(AriaRole.Link, new() { Name = "What is different between the data" }).ClickAsync();
        await Expect(page.GetByText("How the values moved")).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("tr", new() { HasText = "size" }).Locator(".drifted")).ToBeVisibleAsync();
        await dashboard.LookAsync("diff");

        await page.GotoAsync("/dashboard");
        await page.GetByText("houses: a version waits for approval").ClickAsync();
        await page.Locator("form.action", new() { HasText = "Approve" }).Locator("input[name=reason]").FillAsync("the market has moved");
        await AnswerAsync(page, "Approve");
        await Expect(page.Locator("h1 .state.succeeded")).ToBeVisibleAsync(Soon);
        await Expect(page.GetByText("the market has moved").First).ToBeVisibleAsync(Soon);

        // What stands in frames is looked at by itself.
        var reports = await page.Locator("iframe.report").EvaluateAllAsync<string[]>("frames => frames.map(frame => frame.getAttribute('src'))");
        reports.Should().HaveCountGreaterThan(2, "there are a card, an explanation and a report of drift");
        foreach (var report in reports)
        {
            await page.GotoAsync(report);
            await dashboard.LookAsync($"report-{Path.GetFileNameWithoutExtension(report)}");
        }

        await page.GotoAsync("/dashboard/models/houses");
        await Expect(page.GetByText("Version 2 is in production")).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("model");

        // The two share the requests for a while.
        await page.GetByLabel("Version 1 in percent").FillAsync("25");
        await page.GetByLabel("Version 2 in percent").FillAsync("75");
        await AnswerAsync(page, "Split");
        await Expect(page.GetByText("25 % version 1").First).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("split");
        await page.GetByRole(AriaRole.Link, new() { Name = "How the versions have done" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Traffic of houses" })).ToBeVisibleAsync();
        await dashboard.LookAsync("traffic");
        await page.GotoAsync("/dashboard/models/houses");
        await AnswerAsync(page, "Let production answer all");
        await Expect(page.GetByText("Version 2 answers all requests.")).ToBeVisibleAsync(Soon);
        await AnswerAsync(page, "Roll back");
        await Expect(page.GetByText("Version 1 is in production")).ToBeVisibleAsync(Soon);
        await Expect(page.Locator("tr", new() { HasText = "rollback" }).GetByText("done")).ToBeVisibleAsync(Soon);

        foreach (var (name, address) in new[]
        {
            ("models", "/dashboard/models"), ("data", "/dashboard/data"), ("datasets", "/dashboard/data/houses"), ("dataset", "/dashboard/data/houses/latest"),
            ("unwatched", "/dashboard/models/none/monitoring"), ("unknown", "/dashboard/models/none"),
        })
        {
            await page.GotoAsync(address);
            await dashboard.LookAsync(name);
        }

        // What was asked has been looked at meanwhile; the charts' values are there for who has no mouse.
        var windows = page.GetByRole(AriaRole.Region, new() { Name = "Windows", Exact = true });
        await page.GotoAsync("/dashboard/models/houses/monitoring");
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromMinutes(3) && !await windows.IsVisibleAsync();)
        {
            await page.WaitForTimeoutAsync(2000);
            await page.ReloadAsync();
        }
        await Expect(windows).ToBeVisibleAsync();
        await page.Locator("details.values summary").First.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Values of Compared rows of each window" }).GetByText("300")).ToBeVisibleAsync();
        await dashboard.LookAsync("monitoring");
        await windows.GetByRole(AriaRole.Link).First.ClickAsync();
        await Expect(page.GetByText("Prediction drift").First).ToBeVisibleAsync();
        await dashboard.LookAsync("window");

        await page.GotoAsync("/dashboard/data/houses/latest");
        await page.GetByLabel("Name").FillAsync("after-the-move");
        await page.GetByRole(AriaRole.Button, new() { Name = "Give it a name" }).ClickAsync();
        await Expect(page.GetByText("after-the-move").First).ToBeVisibleAsync(Soon);

        await page.GotoAsync("/docs");
        await Expect(page.GetByText("Train, promote and serve models of tables.").First).ToBeVisibleAsync(Soon);
        await dashboard.LookAsync("docs");
        dashboard.Errors.Where(error => !error.Contains("404", StringComparison.Ordinal)).Should().BeEmpty();
    }

    [ChromiumFact]
    public async Task Of_several_classes_each_is_explained_and_what_is_opened_stays_open()
    {
        await using var dashboard = await Dashboard.OpenAsync();
        var page = dashboard.Page;
        var classes = page.Locator("#try-why .classes > li");
        await page.GotoAsync("/dashboard/new");
        await page.SetInputFilesAsync("input[type=file]", Sorts("homes.csv", 600));
        await Expect(page.GetByText("New model homes")).ToBeVisibleAsync(Soon);
        await page.Locator("#definition").FillAsync(
            """
            { "target": "sort", "task": "multiclass", "columns": { "id": "ignore" }, "candidates": [{ "trainer": "lightgbm", "trees": 20 }],
              "train": { "folds": 0 } }
            """);
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep it, and train" }).ClickAsync();
        await Expect(page.Locator("h1 .state.succeeded")).ToBeVisibleAsync(Soon);
        await page.GetByText("promoted to production").GetByRole(AriaRole.Link).ClickAsync();

        // The predicted class comes first and is open; its score is told besides.
        await page.Locator("[data-feature=size]").FillAsync("50");
        await page.Locator("[data-feature=rooms]").FillAsync("2");
        await Expect(page.Locator("#try-said .answer")).ToHaveTextAsync("flat", new() { Timeout = 90_000 });
        await Expect(classes).ToHaveCountAsync(3);
        await Expect(classes.First.Locator("summary b")).ToHaveTextAsync("flat");
        await Expect(classes.First.Locator(".waterfall li")).ToHaveCountAsync(2);
        await Expect(classes.First.GetByText("The score of flat is")).ToBeVisibleAsync();
        await Expect(page.GetByText("The score of house is")).ToBeHiddenAsync();

        // Another is opened by the keyboard, and is so still when another row is tried, of another class.
        await page.Locator("#try-why summary", new() { HasText = "house" }).PressAsync("Enter");
        await Expect(page.GetByText("The score of house is")).ToBeVisibleAsync();
        await page.Locator("[data-feature=size]").FillAsync("155");
        await Expect(page.Locator("#try-said .answer")).ToHaveTextAsync("castle", new() { Timeout = 90_000 });
        await Expect(classes.First.Locator("summary b")).ToHaveTextAsync("castle");
        await Expect(page.GetByText("The score of castle is")).ToBeVisibleAsync();
        await Expect(page.GetByText("The score of house is")).ToBeVisibleAsync();
        await Expect(page.GetByText("The score of flat is")).ToBeHiddenAsync();
        await dashboard.LookAsync("classes");
        dashboard.Errors.Should().BeEmpty();
    }

    [ChromiumFact]
    public async Task Who_signs_in_with_a_key_comes_to_the_page_that_was_asked_for_and_may_act_on_it()
    {
        const string Key = "a-key-that-only-this-test-knows";
        await using var dashboard = await Dashboard.OpenAsync(Key);
        var page = dashboard.Page;

        await page.GotoAsync("/dashboard/new");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await dashboard.LookAsync("sign-in");
        await page.GetByLabel("Key").FillAsync("no key");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This is no key");
        await page.GetByLabel("Key").FillAsync(Key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        // By the cookie alone the upload would be refused: the page's token goes with it.
        await page.SetInputFilesAsync("input[type=file]", File("homes.csv", 100, priceOf: (size, rooms) => size + rooms));
        await Expect(page.GetByText("New model homes")).ToBeVisibleAsync(Soon);
        await Expect(page.GetByText("deployment (admin)")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync(Soon);
        await page.GotoAsync("/dashboard");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        dashboard.Errors.Where(error => !error.Contains("401", StringComparison.Ordinal)).Should().BeEmpty();
    }

    private static async Task AnswerAsync(IPage page, string action)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = action, Exact = true }).ClickAsync();
        await page.Locator("#ask-yes").ClickAsync();
    }

    private static FilePayload Sorts(string name, int rows)
    {
        var text = new StringBuilder("id,size,rooms,sort\n");
        for (var i = 0; i < rows; i++)
        {
            var (size, rooms) = (40 + (i * 37 % 120), 1 + (i * 13 % 6));
            text.Append(CultureInfo.InvariantCulture, $"H{i:D5},{size},{rooms},{(size < 80 ? "flat" : size < 120 ? "house" : "castle")}\n");
        }
        return new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(text.ToString()) };
    }

    private static FilePayload File(string name, int rows, Func<int, int, int> priceOf, int larger = 0)
    {
        var text = new StringBuilder("id,size,rooms,garden,price\n");
        for (var i = 0; i < rows; i++)
        {
            var (size, rooms) = (40 + larger + (i * 37 % 120), 1 + (i * 13 % 6));
            text.Append(CultureInfo.InvariantCulture, $"H{i:D5},{size},{rooms},{(i % 3 == 0 ? "yes" : "no")},{priceOf(size, rooms) + (i * 7 % 5)}\n");
        }
        return new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(text.ToString()) };
    }
}
