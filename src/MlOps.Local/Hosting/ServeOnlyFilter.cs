using MlOps.Web.Answers;

namespace MlOps.Local.Hosting;

/// <summary>Keeps a host that only serves from taking orders that another host would have to carry out, or that change what is served.</summary>
internal static class ServeOnlyFilter
{
    private const string Refusal = "This host only serves predictions (--serve-only): send changes and runs to the host that works on them.";

    public static void UseServeOnly(this WebApplication app) => app.Use((http, next) =>
        IsAnswered(http.Request)
            ? next(http)
            : HttpProblems.Of(StatusCodes.Status403Forbidden, [Refusal]).ExecuteAsync(http));

    private static bool IsAnswered(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
        || (HttpMethods.IsPost(request.Method)
            && (request.Path == "/predict" || request.Path == "/feedback" || request.Path.StartsWithSegments("/signin") || request.Path == "/signout"));
}
