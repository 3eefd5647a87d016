using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MlOps.Local.Hosting;

namespace MlOps.Local.Tests.Hosting;

public sealed class FirstPagesTests
{
    [Theory]
    [InlineData("127.0.0.1", "secret", "Bearer secret")]
    [InlineData("0.0.0.0", null, "")]
    public async Task A_host_is_asked_for_what_people_look_at_first_wherever_it_listens(string address, string? key, string authorization)
    {
        var asked = new ConcurrentQueue<string>();
        await using var host = await StartAsync(address, http => asked.Enqueue($"{http.Request.Path} {http.Request.Headers.Authorization}"));

        await FirstPages.AskAsync(new Uri(host.Urls.First()), key, CancellationToken.None);

        asked.Should().Equal(new[] { "/runs", "/models", "/dashboard", "/dashboard/runs" }.Select(path => $"{path} {authorization}"));
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

    private static async Task<WebApplication> StartAsync(string address, Action<HttpContext> seen)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Parse(address), 0));
        var host = builder.Build();
        host.Run(http =>
        {
            seen(http);
            return Task.CompletedTask;
        });
        await host.StartAsync();
        return host;
    }
}
