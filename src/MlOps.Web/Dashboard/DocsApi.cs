using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using MlOps.Web.OpenApi;
using Scalar.AspNetCore;

namespace MlOps.Web.Dashboard;

/// <summary>The API's description, to be read and tried: Scalar's reference, whose script comes from this host.</summary>
public static class DocsApi
{
    internal const string Route = "/docs";
    internal const string ScriptRoute = "/docs/scalar.js";

    private const string Script = "ScalarStaticAssets.scalar.js";

    /// <summary>Scalar styles what it draws itself.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>Nothing is fetched from, or told to, anybody else.</summary>
    private const string Configuration = $$"""
        {"telemetry":false,"withDefaultFonts":false,"hideClientButton":true,"showDeveloperTools":"never","agent":{"disabled":true},"customCss":"{{Legible}}"}
        """;

    /// <summary>Scalar's greys, and its colours of code on white, are too pale to be read by everybody (WCAG 2.2, 1.4.3).</summary>
    private const string Legible =
        ".light-mode{--scalar-color-2:#404040;--scalar-color-3:#595959;--scalar-color-ghost:#595959;--scalar-color-green:#09533a;"
            + "--scalar-color-orange:#8a4b00;--scalar-color-blue:#0b4f8a;--scalar-color-purple:#4c2191;--scalar-color-red:#aa181d;"
            + "--scalar-color-yellow:#6b5000}.dark-mode{--scalar-color-2:#cccccc;--scalar-color-3:#b3b3b3;--scalar-color-ghost:#b3b3b3}";

    private const string Page = $$$"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>API – MlOps</title>
            <link rel="icon" href="data:," />
        </head>
        <body>
            <script id="api-reference" type="application/json" data-url="{{{ApiDocument.Route}}}" data-configuration='{{{Configuration}}}'></script>
            <script src="{{{ScriptRoute}}}"></script>
        </body>
        </html>
        """;

    public static IResult Get(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return TypedResults.Text(Page, "text/html; charset=utf-8");
    }

    /// <summary>The script, packed as it stands in Scalar's package, or unpacked for who cannot unpack it.</summary>
    public static IResult GetScript(HttpContext http)
    {
        var packed = typeof(ScalarOptions).Assembly.GetManifestResourceStream(Script)
            ?? throw new InvalidOperationException($"Scalar's package has no {Script}.");
        http.Response.Headers.CacheControl = "public, max-age=86400";
        http.Response.Headers.Vary = "Accept-Encoding";
        if (!http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            return TypedResults.Stream(new GZipStream(packed, CompressionMode.Decompress), "text/javascript; charset=utf-8");
        }
        http.Response.Headers.ContentEncoding = "gzip";
        return TypedResults.Stream(packed, "text/javascript; charset=utf-8");
    }
}
