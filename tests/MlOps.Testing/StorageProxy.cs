using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Testing;

/// <summary>
/// Stands between a host and its storage, with real connections to both: it holds the one request at which a test wants to kill the host, does to requests what
/// networks and storage do on a bad day (<see cref="Faults"/>), or is away.
/// </summary>
public sealed class StorageProxy : IAsyncDisposable
{
    private static readonly string[] Services = ["BlobEndpoint", "QueueEndpoint", "TableEndpoint"];

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly SortedDictionary<int, Uri> targets = [];
    private readonly List<Socket> occupied = [];
    private WebApplication? app;
    private TaskCompletionSource held = new();
    private string? stage;
    private bool isArmed;
    private volatile StorageFaults? faults;

    private StorageProxy()
    {
    }

    public string ConnectionString { get; private set; } = "";

    /// <summary>What happens to requests from now on; null: they get through.</summary>
    public StorageFaults? Faults
    {
        get => faults;
        set => faults = value;
    }

    public static async Task<StorageProxy> StartAsync(string connectionString)
    {
        var proxy = new StorageProxy();
        var ports = await proxy.ListenAsync([.. Services.Select(_ => 0)]);
        proxy.ConnectionString = proxy.Redirect(connectionString, ports);
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

    /// <summary>Breaks all connections and refuses new ones, as a storage that is not there, until <see cref="ComeBackAsync"/>.</summary>
    public async Task GoAwayAsync()
    {
        await StopAsync();
        foreach (var port in targets.Keys)
        {
            // Bound and not listening, a port refuses; left alone, it could be anybody's when we come back.
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            occupied.Add(socket);
        }
    }

    public async Task ComeBackAsync()
    {
        Leave();
        await ListenAsync([.. targets.Keys]);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Leave();
        http.Dispose();
    }

    private void Leave()
    {
        occupied.ForEach(socket => socket.Dispose());
        occupied.Clear();
    }

    private async Task<IReadOnlyList<int>> ListenAsync(IReadOnlyList<int> ports)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls([.. ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"))]);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        app = builder.Build();
        app.Run(ForwardAsync);
        await app.StartAsync();
        return [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address).Port)];
    }

    private async Task StopAsync()
    {
        if (app is null)
        {
            return;
        }
        try
        {
            await app.StopAsync(new CancellationToken(canceled: true));
        }
        catch (OperationCanceledException)
        {
            // Connections were not waited for.
        }
        await app.DisposeAsync();
        app = null;
    }

    private string Redirect(string connectionString, IReadOnlyList<int> ports)
    {
        var parts = connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('=', 2))
            .ToDictionary(part => part[0], part => part[1]);
        foreach (var (endpoint, port) in Services.Zip(ports))
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
        if (Faults is { } bad && bad.Next(context.Request.Method, target) is { } fault)
        {
            await FailAsync(context, target, fault, bad.LongestHang);
        }
        else
        {
            using var answer = await AskAsync(context, target, isCut: false);
            CopyHead(answer, context.Response);
            await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        if (isWrite && stage is not null && Uri.UnescapeDataString(target).Contains($"RowKey='stage|{stage}|", StringComparison.Ordinal))
        {
            isArmed = true;
        }
    }

    private async Task FailAsync(HttpContext context, string target, StorageFault fault, TimeSpan longestHang)
    {
        switch (fault)
        {
            case StorageFault.Broken:
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            case StorageFault.Unavailable or StorageFault.Throttled:
                context.Response.StatusCode = fault == StorageFault.Throttled ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable;
                context.Response.Headers.RetryAfter = "1";
                return;
            case StorageFault.Hang:
                await HangAsync(longestHang, context.RequestAborted);
                break;
            case StorageFault.CutRequest when HasBody(context.Request):
                await TryAskHalfAsync(context, target);
                break;
            case StorageFault.CutAnswer when await CutAsync(context, target):
                return;
            case StorageFault.LostAnswer:
                using (var answer = await AskAsync(context, target, isCut: false))
                {
                    // Storage has done it when the answer is here, and the caller is not told.
                    await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
                }
                break;
            default:
                break;
        }
        Reset(context);
    }

    private static async Task HangAsync(TimeSpan longest, CancellationToken gone)
    {
        try
        {
            await Task.Delay(longest, gone);
        }
        catch (OperationCanceledException)
        {
            // The client has lost its patience.
        }
    }

    private async Task TryAskHalfAsync(HttpContext context, string target)
    {
        try
        {
            using var answer = await AskAsync(context, target, isCut: true);
        }
        catch (HttpRequestException)
        {
            // Storage has seen the connection break within the request.
        }
    }

    /// <summary>Sends half of the answer's body; false when it has none.</summary>
    private async Task<bool> CutAsync(HttpContext context, string target)
    {
        using var answer = await AskAsync(context, target, isCut: false);
        var body = await answer.Content.ReadAsByteArrayAsync(CancellationToken.None);
        if (body.Length < 2 || context.Request.Method == HttpMethods.Head)
        {
            return false;
        }
        CopyHead(answer, context.Response);
        await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), CancellationToken.None);
        await context.Response.Body.FlushAsync(CancellationToken.None);
        context.Abort();
        return true;
    }

    /// <summary>Ends the connection as a peer does that has died: with a reset, nothing said.</summary>
    private static void Reset(HttpContext context)
    {
        if (context.Features.Get<IConnectionSocketFeature>() is { } connection)
        {
            connection.Socket.LingerState = new LingerOption(true, 0);
        }
        context.Abort();
    }

    private static bool HasBody(HttpRequest request) => request.ContentLength is > 0 || request.Headers.ContainsKey("Transfer-Encoding");

    private async Task<HttpResponseMessage> AskAsync(HttpContext context, string target, bool isCut)
    {
        var raw = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var address = new Uri(targets[context.Connection.LocalPort].ToString().TrimEnd('/') + target, raw);
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), address);
        if (isCut)
        {
            using var whole = new MemoryStream();
            await context.Request.Body.CopyToAsync(whole, context.RequestAborted);
            request.Content = new HalfContent(whole.ToArray());
        }
        else if (context.Request.ContentLength is not null || context.Request.Headers.ContainsKey("Transfer-Encoding"))
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
        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
    }

    private static void CopyHead(HttpResponseMessage answer, HttpResponse to)
    {
        to.StatusCode = (int)answer.StatusCode;
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Transfer-Encoding" or "Connection" or "Keep-Alive"));
        foreach (var (name, values) in headers)
        {
            to.Headers.Append(name, values.ToArray());
        }
    }

    /// <summary>A body that breaks off in the middle, although its whole length is announced.</summary>
    private sealed class HalfContent(byte[] whole) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(whole.AsMemory(0, whole.Length / 2));
            await stream.FlushAsync();
            throw new IOException("The request was cut.");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = whole.Length;
            return true;
        }
    }
}
