using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>The pages of the dashboard come from the app as they do from the local host.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed partial class DashboardTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Every_page_is_shown_with_its_files_and_asks_for_itself_again()
    {
        await using var app = await AnsweringApp.StartAsync(azurite);
        var run = await StoreRunAsync(app);

        foreach (var path in new[]
        {
            "/dashboard", "/dashboard/runs", $"/dashboard/runs/{run.RunId}", "/dashboard/models", $"/dashboard/models/{run.Model}", "/dashboard/data",
            "/dashboard/new",
        })
        {
            var (status, type, page) = await app.AskAsync("GET", path);
            var (twinStatus, twinType, twin) = await app.AskAsync("GET", path, "?format=json");

            (status, type).Should().Be((200, "text/html; charset=utf-8"), path);
            page.Should().StartWith("<!DOCTYPE html>").And.Contain("</html>");
            (twinStatus, twinType).Should().Be((200, "application/json; charset=utf-8"), path);
            JsonNode.Parse(twin).Should().NotBeNull();
            foreach (Match file in Files().Matches(page))
            {
                (await app.AskAsync("GET", file.Groups[1].Value)).Status.Should().Be(200, file.Groups[1].Value);
            }
        }
        var (_, _, shown) = await app.AskAsync("GET", $"/dashboard/runs/{run.RunId}");
        shown.Should().Contain(run.RunId).And.Contain("data-live=\"1000\"").And.NotContain("data-events", "an instance may go: it is asked again instead");
        (await app.AskAsync("GET", "/dashboard/runs/none")).Status.Should().Be(404);
        (await app.AskAsync("GET", "/docs")).Type.Should().StartWith("text/html");
    }

    private static async Task<Run> StoreRunAsync(AnsweringApp app)
    {
        var model = AzuriteFixture.UniqueModel();
        var run = new Run
        {
            RunId = RunId.New(model, DateTimeOffset.UtcNow),
            Model = model,
            State = RunState.Running,
            DefinitionId = $"{model}/0",
            Source = $"raw/{model}/a.csv",
            Trigger = RunTriggers.Http,
            Created = DateTimeOffset.UtcNow,
        };
        await app.Services.GetRequiredService<RunStore>().CreateAsync(run, CancellationToken.None);
        return run;
    }

    [GeneratedRegex("(?:src|rel=\"stylesheet\" href)=\"(/[^\"]+)\"")]
    private static partial Regex Files();
}
