using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Web.Views;

namespace MlOps.Local.Tests.Hosting;

public sealed class FirstPagesTests
{
    private static readonly RunView Run = RunView.Of(new Run
    {
        RunId = "homes-1",
        Model = "homes",
        State = RunState.Running,
        DefinitionId = "homes/0",
        Source = "raw/homes/a.csv",
        Trigger = "http",
        Created = DateTimeOffset.UnixEpoch,
    });

    [Theory]
    [InlineData("127.0.0.1", "secret", "Bearer secret")]
    [InlineData("0.0.0.0", null, "")]
    public async Task A_host_is_asked_for_what_people_look_at_first_wherever_it_listens(string address, string? key, string authorization)
    {
        var asked = new ConcurrentQueue<string>();
        await using var host = await StartAsync(
            address, http => asked.Enqueue($"{http.Request.Path}{http.Request.QueryString} {http.Request.Headers.Authorization}"));

        await FirstPages.AskAsync(new Uri(host.Urls.First()), key, CancellationToken.None);

        string[] pages =
        [
            "/runs", "/models", "/dashboard", "/dashboard/runs", "/dashboard/models", "/dashboard/data", "/dashboard/runs?state=failed",
            "/dashboard/runs/homes-1", "/dashboard/data/homes", "/dashboard/data/homes/latest", "/dashboard/models/homes", "/dashboard/models/homes/versions/2",
        ];
        asked.Should().Equal(pages.Select(path => $"{path} {authorization}"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "runs": [], "models": [] }""")]
    [InlineData("this is a proxy")]
    public async Task Where_there_is_nothing_yet_or_no_such_host_nothing_is_thrown(string answer)
    {
        var asked = new ConcurrentQueue<string>();
        await using var host = await StartAsync("127.0.0.1", http => asked.Enqueue(http.Request.Path), answer);

        await FirstPages.AskAsync(new Uri(host.Urls.First()), key: null, CancellationToken.None);

        asked.Should().StartWith("/runs").And.NotContain(path => path.EndsWith('/') || path.EndsWith("/latest", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_that_stops_or_is_gone_is_left_alone()
    {
        using var stop = new CancellationTokenSource();
        var asked = 0;
        await using var host = await StartAsync("127.0.0.1", _ =>
        {
            asked++;
            stop.Cancel();
        });
        var url = new Uri(host.Urls.First());

        await FirstPages.AskAsync(url, key: null, stop.Token);
        await host.StopAsync();
        await FirstPages.AskAsync(url, key: null, CancellationToken.None);

        asked.Should().Be(1);
    }

    private static async Task<WebApplication> StartAsync(string address, Action<HttpContext> seen, string? answer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Parse(address), 0));
        var host = builder.Build();
        host.Run(http =>
        {
            seen(http);
            http.Response.ContentType = answer?.StartsWith('{') == false ? "text/html" : "application/json";
            return http.Response.WriteAsync(answer ?? (http.Request.Path.Value switch
            {
                "/runs" => Json.Write(new RunList([Run], null)),
                "/models" => Json.Write(new ModelList([new ModelView("homes", 2, new Dictionary<string, int>(), "/models/homes")], null)),
                _ => "",
            }));
        });
        await host.StartAsync();
        return host;
    }
}
