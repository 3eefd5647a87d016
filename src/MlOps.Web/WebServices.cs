using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Web.Access;
using MlOps.Web.Dashboard;
using MlOps.Web.OpenApi;

namespace MlOps.Web;

/// <summary>Registers the HTTP face; a host may add its own <see cref="WebOptions"/> before.</summary>
public static class WebServices
{
    public static IServiceCollection AddMlOpsWeb(this IServiceCollection services)
    {
        services.TryAddSingleton(new WebOptions());
        services.ConfigureHttpJsonOptions(json => Json.Configure(json.SerializerOptions));
        services.AddOpenApi(ApiDocument.Name, ApiDocument.Configure);
        services.TryAddSingleton(new UploadOptions());
        MetricsApi.AddTo(services);
        services.AddProblemDetails(problems =>
            problems.CustomizeProblemDetails = problem => problem.ProblemDetails.Extensions["traceId"] = TraceIds.Of(problem.HttpContext));
        services.AddAntiforgery(tokens => (tokens.HeaderName, tokens.Cookie.Name) = (CookieGuard.Header, "mlops-antiforgery"));
        return services.AddRouting().AddAccess().AddSingleton<HealthProbe>().AddSingleton<ModelOverview>().AddSingleton<RunCatalog>().AddSingleton<RunWatch>()
            .AddSingleton<ModelReader>().AddSingleton<DatasetReader>().AddSingleton<WebPipeline>();
    }
}
