using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Web.Views;

namespace MlOps.Local.Hosting;

/// <summary>
/// Asks a host that has begun to listen for what people look at first. The first request of a kind compiles its way and connects to storage, and takes several
/// times as long as the second: so it is not a person's.
/// </summary>
internal static class FirstPages
{
    private static readonly string[] Lists = ["dashboard", "dashboard/runs", "dashboard/models", "dashboard/data", "dashboard/runs?state=failed"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>One after the other, so that a person's request has a core. Never throws: what is wrong is told to who asks for the page.</summary>
    /// <param name="host">Where it listens.</param>
    /// <param name="key">What opens it for this machine; null when nothing is needed.</param>
    /// <param name="cancel">Leaves the rest.</param>
    public static async Task AskAsync(Uri host, string? key, CancellationToken cancel)
    {
        // The key is for this machine, and for no proxy on the way.
        using var direct = new HttpClientHandler { UseProxy = false };
        using var http = new HttpClient(direct) { BaseAddress = Reachable(host), Timeout = Patience };
        http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        try
        {
            var runs = await http.GetFromJsonAsync<RunList>("runs", Json.Options, cancel);
            var models = await http.GetFromJsonAsync<ModelList>("models", Json.Options, cancel);
            foreach (var page in Lists.Concat(PagesOf(runs)).Concat(PagesOf(models)))
            {
                using var answer = await http.GetAsync(page, cancel);
            }
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException or OperationCanceledException)
        {
        }
    }

    private static string[] PagesOf(RunList? list) => list is { Runs: [var newest, ..] }
        ? [$"dashboard/runs/{newest.RunId}", $"dashboard/data/{newest.Model}", $"dashboard/data/{newest.Model}/latest"]
        : [];

    private static string[] PagesOf(ModelList? list) => list is { Models: [var first, ..] }
        ? [$"dashboard/models/{first.Model}", $"dashboard/models/{first.Model}/versions/{first.LatestVersion}"]
        : [];

    /// <summary>Who listens on all addresses is asked on one.</summary>
    private static Uri Reachable(Uri host) => IPAddress.TryParse(host.Host.Trim('[', ']'), out var address)
        && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            ? new UriBuilder(host) { Host = $"{(address.Equals(IPAddress.Any) ? IPAddress.Loopback : IPAddress.IPv6Loopback)}" }.Uri
            : host;
}
