using System.Net;
using AngleSharp.Html.Parser;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class ReproductionApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    private readonly RecordingReproducer reproducer = new();

    [Fact]
    public async Task What_is_asked_for_goes_on_once_and_is_told_where_the_answer_says()
    {
        await using var host = await StartAsync();
        var run = await AddRunAsync(RunState.Succeeded);
        var path = $"/runs/{run.RunId}/reproduction";

        (await host.Client.GetAsync(path).ShouldFailAsync(HttpStatusCode.NotFound)).Should()
            .Be($"Nobody has asked for a reproduction of run '{run.RunId}'. POST {path} does.");
        using var asked = await host.Client.PostAsync(path, null);
        var again = await host.Client.PostAsync(path, null).ShouldBeAsync(HttpStatusCode.Accepted);
        var told = await host.Client.GetAsync(path).ShouldBeAsync(HttpStatusCode.OK);

        (asked.StatusCode, asked.Headers.Location!.ToString()).Should().Be((HttpStatusCode.Accepted, path));
        ((string)again["state"]!, (string)again["by"]!).Should().Be(("running", "local"));
        told.ToJsonString().Should().Be(again.ToJsonString());
    }

    [Fact]
    public async Task Another_run_waits_for_the_one_that_goes_on()
    {
        await using var host = await StartAsync();
        var (first, second) = (await AddRunAsync(RunState.Succeeded), await AddRunAsync(RunState.Failed));
        await host.Client.PostAsync($"/runs/{first.RunId}/reproduction", null).ShouldBeAsync(HttpStatusCode.Accepted);

        (await host.Client.PostAsync($"/runs/{second.RunId}/reproduction", null).ShouldFailAsync(HttpStatusCode.Conflict)).Should()
            .Contain($"reproducing run '{first.RunId}'").And.Contain($"GET /runs/{first.RunId}/reproduction says when");
    }

    [Fact]
    public async Task A_run_that_there_is_not_is_not_found_on_any_host()
    {
        await using var host = await StartAsync();
        var path = $"/runs/{Model}-20260101000000000-abcdef/reproduction";

        foreach (var client in new[] { Client, host.Client })
        {
            (await client.PostAsync(path, null).ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("There is no run");
            (await client.GetAsync(path).ShouldFailAsync(HttpStatusCode.NotFound)).Should().Contain("There is no run");
        }
    }

    [Fact]
    public async Task A_host_that_has_no_place_for_it_says_what_to_do_instead()
    {
        var run = await AddRunAsync(RunState.Succeeded);
        var path = $"/runs/{run.RunId}/reproduction";

        foreach (var asking in new[] { Client.PostAsync(path, null), Client.GetAsync(path) })
        {
            (await asking.ShouldFailAsync(HttpStatusCode.NotImplemented)).Should().Contain($"mlops reproduce {run.RunId} --storage ACCOUNT");
        }
        (await PageAsync(Client, run)).Should().NotContain("Reproduce");
    }

    [Fact]
    public async Task A_runs_page_tells_the_latest_and_offers_it()
    {
        await using var host = await StartAsync();
        var run = await AddRunAsync(RunState.Running);
        run = await Runs.MarkEndedAsync(run.RunId, RunState.Succeeded, error: null, default);

        var before = await PageAsync(host.Client, run);
        await host.Client.PostAsync($"/runs/{run.RunId}/reproduction", null).ShouldBeAsync(HttpStatusCode.Accepted);
        var meanwhile = await PageAsync(host.Client, run);
        reproducer.Latest = reproducer.Latest! with { State = ReproductionState.Different, Text = "Not the same. The first difference: x was <1>." };
        var after = await PageAsync(host.Client, run);

        before.Should().Contain($"data-url=\"/runs/{run.RunId}/reproduction\"").And.NotContain("Reproduced");
        meanwhile.Should().Contain("It is being run again.").And.Contain("data-live").And.NotContain($"data-url=\"/runs/{run.RunId}/reproduction\"");
        new HtmlParser().ParseDocument(after).Body!.TextContent.Should().Contain("The first difference: x was <1>.").And.Contain("asked for by local");
        after.Should().Contain($"data-url=\"/runs/{run.RunId}/reproduction\"");
    }

    private Task<WebHost> StartAsync() => WebHost.StartAsync(Azurite.NewStorage(), services => services.AddSingleton<IReproducer>(reproducer));

    private static Task<string> PageAsync(HttpClient client, Run run) => client.GetStringAsync($"/dashboard/runs/{run.RunId}");
}
