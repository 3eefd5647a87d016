using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using MlOps.Web.Access;

namespace MlOps.Web.OpenApi;

/// <summary>
/// What the route table says about a body that a handler reads itself. Unlike the framework's own metadata it makes no content type a
/// condition of reaching the handler.
/// </summary>
/// <param name="Type">Type that gives the schema; null for a file.</param>
/// <param name="Example">An example as JSON; null for a file.</param>
/// <param name="IsOptional">Whether it may be left out.</param>
/// <param name="Other">A second shape, of which a body has either; null: there is none.</param>
internal sealed record BodyDescription(Type? Type, string? Example, bool IsOptional, Type? Other = null);

/// <summary>A second shape of the answer, besides the one that the framework's metadata names.</summary>
internal sealed record AlternativeAnswer(Type Type);

/// <summary>Rows may come as CSV or as JSON lines besides.</summary>
internal sealed record RowStreams;

/// <summary>The words of the route table.</summary>
internal static class RouteDescriptions
{
    public static TBuilder For<TBuilder>(this TBuilder route, RouteRole role)
        where TBuilder : IEndpointConventionBuilder =>
        (role == RouteRole.Anonymous ? route.AllowAnonymous() : route.RequireAuthorization(Callers.NameOf(role))).WithMetadata(role);

    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string tag, string summary) =>
        route.WithTags(tag).WithSummary(summary).Fails(StatusCodes.Status500InternalServerError);

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder route, string example, bool isOptional = false) =>
        route.WithMetadata(new BodyDescription(typeof(T), example, isOptional)).Fails(
            StatusCodes.Status408RequestTimeout, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType);

    /// <summary>Of two shapes one.</summary>
    public static RouteHandlerBuilder TakesEither<T, TOther>(this RouteHandlerBuilder route, string example) =>
        route.Takes<T>(example).WithMetadata(new BodyDescription(typeof(T), example, IsOptional: false, typeof(TOther)));

    /// <summary>Rows may also come as CSV or as JSON lines, and are answered as they came.</summary>
    public static RouteHandlerBuilder TakesStreams(this RouteHandlerBuilder route) => route.WithMetadata(new RowStreams());

    public static RouteHandlerBuilder TakesFile(this RouteHandlerBuilder route) => route.WithMetadata(new BodyDescription(null, null, IsOptional: false));

    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder route, int status = StatusCodes.Status200OK) =>
        route.Produces<T>(status, "application/json");

    /// <summary>204 when it is gone; asked for again, it is 404.</summary>
    public static RouteHandlerBuilder Deletes(this RouteHandlerBuilder route) => route.Produces(StatusCodes.Status204NoContent);

    public static RouteHandlerBuilder GivesEither<T, TOther>(this RouteHandlerBuilder route) =>
        route.Gives<T>().WithMetadata(new AlternativeAnswer(typeof(TOther)));

    public static RouteHandlerBuilder GivesFile(this RouteHandlerBuilder route) => route.Produces<Stream>(StatusCodes.Status200OK, "application/octet-stream");

    public static RouteHandlerBuilder GivesText(this RouteHandlerBuilder route) => route.Produces<string>(StatusCodes.Status200OK, "text/plain");

    /// <summary>A JSON object a line.</summary>
    public static RouteHandlerBuilder GivesLines(this RouteHandlerBuilder route) =>
        route.Produces<string>(StatusCodes.Status200OK, PredictionsApi.ContentType);

    /// <summary>Server-sent events, for as long as something happens.</summary>
    public static RouteHandlerBuilder GivesEvents(this RouteHandlerBuilder route) =>
        route.Produces<string>(StatusCodes.Status200OK, "text/event-stream");

    public static RouteHandlerBuilder GivesPage(this RouteHandlerBuilder route) => route.Produces<string>(StatusCodes.Status200OK, "text/html");

    public static RouteHandlerBuilder GivesSchema(this RouteHandlerBuilder route) =>
        route.Produces<JsonObject>(StatusCodes.Status200OK, SchemasApi.ContentType);

    /// <summary>Whatever goes wrong is told in the shape of the route's own protocol.</summary>
    public static RouteHandlerBuilder FailsAs<T>(this RouteHandlerBuilder route)
        where T : ErrorFace, new() => route.WithMetadata(new T());

    public static RouteHandlerBuilder Fails(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
        {
            route.ProducesProblem(status);
        }
        return route;
    }
}
