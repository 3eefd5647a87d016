using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Reports;

namespace MlOps.Web.Dashboard;

/// <summary>The pages' style sheet and script: in the assembly, so that nothing is fetched from elsewhere and no file can be missing.</summary>
public static class AssetsApi
{
    private const string Route = "/dashboard/assets/";

    private static readonly Dictionary<string, Asset> Assets = new[]
    {
        Asset.Of("dashboard.css", "text/css; charset=utf-8", ReportStyle.Css + Read("dashboard.css")),
        Asset.Of("dashboard.js", "text/javascript; charset=utf-8", Read("dashboard.js")),
    }.ToDictionary(asset => asset.Name, StringComparer.Ordinal);

    /// <summary>The address of a file; another one as soon as its content is another.</summary>
    internal static string UrlOf(string name) => $"{Route}{Assets[name].Hash}/{name}";

    /// <summary>A file. One of an earlier release, which a page still open asks for, is answered with today's.</summary>
    public static IResult Get(string hash, string name, HttpContext http)
    {
        if (Assets.GetValueOrDefault(name) is not { } asset)
        {
            return HttpProblems.NotFound($"The dashboard has no file '{name}'.");
        }
        http.Response.Headers.CacheControl = hash == asset.Hash ? "public, max-age=31536000, immutable" : "no-store";
        return TypedResults.Bytes(asset.Content, asset.Type);
    }

    private static string Read(string name)
    {
        using var content = Assembly.GetExecutingAssembly().GetManifestResourceStream($"MlOps.Web.Dashboard.Assets.{name}")!;
        using var reader = new StreamReader(content);
        return reader.ReadToEnd();
    }

    private sealed record Asset(string Name, string Type, byte[] Content, string Hash)
    {
        public static Asset Of(string name, string type, string text)
        {
            var content = Encoding.UTF8.GetBytes(text);
            return new Asset(name, type, content, Convert.ToHexStringLower(SHA256.HashData(content))[..16]);
        }
    }
}
