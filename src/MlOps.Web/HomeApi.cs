using System.Reflection;
using Microsoft.AspNetCore.Http;

namespace MlOps.Web;

/// <summary>What stands at the host's address itself.</summary>
public static class HomeApi
{
    /// <summary>A program is told where to go on; a person's browser goes there.</summary>
    public static IResult Get(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase))
            ? TypedResults.LocalRedirect("/dashboard")
            : TypedResults.Ok(new HomeBody(
                "MlOps.Functions", typeof(HomeApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
                    ?? "unknown", "/dashboard", "/openapi.json", "/health", "/models", "/runs", "/pipelines"));
}

/// <summary>Who answers, and where to go on.</summary>
public sealed record HomeBody(string Name, string Version, string Dashboard, string Api, string Health, string Models, string Runs, string Pipelines);
