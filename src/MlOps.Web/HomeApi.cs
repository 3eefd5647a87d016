using System.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace MlOps.Web;

/// <summary>What stands at the host's address itself.</summary>
public static class HomeApi
{
    public static Ok<HomeBody> Get() => TypedResults.Ok(new HomeBody(
        "MlOps.Functions", typeof(HomeApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "unknown", "/openapi.json", "/health", "/models", "/runs", "/pipelines"));
}

/// <summary>Who answers, and where to go on.</summary>
public sealed record HomeBody(string Name, string Version, string Api, string Health, string Models, string Runs, string Pipelines);
