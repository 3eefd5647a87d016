using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Answers;

/// <summary>A request may take its time: what it carries, or is answered with, is as large as a file.</summary>
/// <param name="When">Which requests of the route; null: all.</param>
internal sealed record Unhurried(Func<HttpRequest, bool>? When = null);

/// <summary>Limits of every request, the same on both hosts: how long it may take, how fast its body must come, and that this is not packed.</summary>
internal static class RequestLimits
{
    /// <summary>Pauses of this length are nobody's fault.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private const string PackedSentence =
        "The body is packed (Content-Encoding), which is not taken: send it as it is. A file may be packed, as .csv.gz, and is sent without that header.";

    private static readonly object Deadline = new();

    public static IApplicationBuilder UseRequestLimits(this IApplicationBuilder app)
    {
        var limits = app.ApplicationServices.GetRequiredService<InputLimits>();
        var (rate, longest) = (new MinDataRate(limits.BytesPerSecond, Grace), TimeSpan.FromSeconds(limits.RequestSeconds));
        return app.Use((http, next) => IsPacked(http.Request)
            ? ((IResult)ErrorFace.Show(HttpProblems.Of(StatusCodes.Status415UnsupportedMediaType, [PackedSentence]), http)!).ExecuteAsync(http)
            : RunAsync(http, next, rate, longest));
    }

    /// <summary>True when it was this host that ended the request, as its time was over.</summary>
    public static bool IsLate(HttpContext http) => http.Items[Deadline] is Patience { IsOver: true };

    public static string LateSentence(InputLimits limits) => string.Create(
        CultureInfo.InvariantCulture,
        $"The request took longer than {limits.RequestSeconds:N0} seconds and was given up; what it asks for may have been done in part. "
            + $"Send less at once, or raise the setting {InputLimits.Setting(nameof(InputLimits.RequestSeconds))}.");

    public static string SlowSentence(InputLimits limits) => string.Create(
        CultureInfo.InvariantCulture,
        $"The body came with fewer than {limits.BytesPerSecond:N0} bytes a second. Send it again over a faster line, or lower the setting "
            + $"{InputLimits.Setting(nameof(InputLimits.BytesPerSecond))}.");

    public static string LargeFileSentence(InputLimits limits) => string.Create(
        CultureInfo.InvariantCulture,
        $"The file is larger than {limits.FileBytes:N0} bytes. Put it into container 'raw' of the storage account directly, or raise the setting "
            + $"{InputLimits.Setting(nameof(InputLimits.FileBytes))}.");

    private static bool IsPacked(HttpRequest request) =>
        request.Headers.ContentEncoding is { Count: > 0 } encodings
            && encodings.Any(encoding => !string.IsNullOrEmpty(encoding) && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase));

    private static bool IsUnhurried(HttpContext http) =>
        http.GetEndpoint()?.Metadata.GetMetadata<Unhurried>() is { } unhurried && unhurried.When?.Invoke(http.Request) != false;

    private static async Task RunAsync(HttpContext http, RequestDelegate next, MinDataRate slowest, TimeSpan longest)
    {
        // What is too large is told in our words, with our limits.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
        if (HttpProtocol.IsHttp11(http.Request.Protocol) && http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = slowest;
        }
        if (HttpMethods.IsDelete(http.Request.Method) || IsUnhurried(http))
        {
            await next(http);
            return;
        }
        var aborted = http.RequestAborted;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        either.CancelAfter(longest);
        http.Items[Deadline] = new Patience(aborted, either.Token);
        http.RequestAborted = either.Token;
        try
        {
            await next(http);
        }
        finally
        {
            http.RequestAborted = aborted;
            http.Items.Remove(Deadline);
        }
    }

    /// <summary>Whether a request was ended by its caller, or by its time.</summary>
    private sealed record Patience(CancellationToken Caller, CancellationToken Either)
    {
        public bool IsOver => Either.IsCancellationRequested && !Caller.IsCancellationRequested;
    }
}
