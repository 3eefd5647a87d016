using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Local.Tests.Processes;

/// <summary>Stands between a host and its storage, and holds the one request at which a test wants to kill the host.</summary>
internal sealed class StorageProxy : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly Dictionary<int, Uri> targets = [];
    private TaskCompletionSource held = new();
    private string? stage;
    private bool isArmed;

    private StorageProxy(WebApplication app) => this.app = app;

    public string ConnectionString { get; private set; } = "";

    public static async Task<StorageProxy> StartAsync(string connectionString)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0", "http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var proxy = new StorageProxy(builder.Build());
        proxy.app.Run(proxy.ForwardAsync);
        await proxy.app.StartAsync();
        proxy.ConnectionString = proxy.Redirect(connectionString);
        return proxy;
    }

    /// <summary>
    /// Ends when the host is in the middle of a stage: the stage's row says that it runs, and the next thing that it writes is held and never gets through.
    /// </summary>
    public Task HoldInsideAsync(string name)
    {
        held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (isArmed, stage) = (false, name);
        return held.Task.WaitAsync(TimeSpan.FromSeconds(90));
    }

    /// <summary>Lets everything through.</summary>
    public void LetGo() => (isArmed, stage) = (false, null);

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        http.Dispose();
    }

    private string Redirect(string connectionString)
    {
        var ports = app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(address => new Uri(address).Port).ToList();
        var parts = connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('=', 2))
            .ToDictionary(part => part[0], part => part[1]);
        foreach (var (endpoint, port) in new[] { "BlobEndpoint", "TableEndpoint" }.Zip(ports))
        {
            var target = new Uri(parts[endpoint]);
            targets[port] = new Uri(target.GetLeftPart(UriPartial.Authority));
            parts[endpoint] = new UriBuilder(target) { Port = port }.Uri.ToString();
        }
        return string.Join(';', parts.Select(part => $"{part.Key}={part.Value}"));
    }

    private async Task ForwardAsync(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var isWrite = context.Request.Method is not ("GET" or "HEAD") && !target.Contains("comp=lease", StringComparison.Ordinal);
        if (isArmed && isWrite)
        {
            held.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        }
        await SendAsync(context, target);
        if (isWrite && stage is not null && Uri.UnescapeDataString(target).Contains($"RowKey='stage|{stage}|", StringComparison.Ordinal))
        {
            isArmed = true;
        }
    }

    private async Task SendAsync(HttpContext context, string target)
    {
        var raw = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var address = new Uri(targets[context.Connection.LocalPort].ToString().TrimEnd('/') + target, raw);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), address);
        if (context.Request.ContentLength is not null || context.Request.Headers.ContainsKey("Transfer-Encoding"))
        {
            request.Content = new StreamContent(context.Request.Body);
        }
        foreach (var (name, values) in context.Request.Headers.Where(header => header.Key is not ("Host" or "Connection" or "Transfer-Encoding")))
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)response.StatusCode;
        var headers = response.Headers.Concat(response.Content.Headers)
            .Where(header => header.Key is not ("Transfer-Encoding" or "Connection" or "Keep-Alive"));
        foreach (var (name, values) in headers)
        {
            context.Response.Headers.Append(name, values.ToArray());
        }
        await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
