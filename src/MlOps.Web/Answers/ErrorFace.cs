using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Answers;

/// <summary>How a route tells what went wrong, where its protocol has a shape of its own; metadata of the route.</summary>
internal abstract class ErrorFace
{
    /// <summary>The type of the body.</summary>
    public abstract Type Body { get; }

    /// <summary>The body.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="message">What went wrong, and what to do.</param>
    /// <param name="isOfRows">Whether the body was understood, and the rows in it do not suit the model.</param>
    protected abstract object Of(int status, string message, bool isOfRows);

    /// <summary>A problem in the shape of the route that was asked; everything else as it is.</summary>
    /// <param name="answer">What a handler, or the code around it, answers.</param>
    /// <param name="http">The request.</param>
    /// <param name="fault">What the problem came from.</param>
    public static object? Show(object? answer, HttpContext http, Exception? fault = null)
    {
        // Whoever handles an exception sees no endpoint any more.
        var endpoint = http.GetEndpoint() ?? http.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        if (endpoint?.Metadata.GetMetadata<ErrorFace>() is not { } face)
        {
            return answer;
        }
        return answer switch
        {
            HttpProblems.WithHeader with => new HttpProblems.WithHeader(with.Name, with.Value, (IResult)Show(with.Inner, http, fault)!),
            ProblemHttpResult problem => TypedResults.Json(
                face.Of(problem.StatusCode, MessageOf(problem), fault is InputException), statusCode: problem.StatusCode),
            _ => answer,
        };
    }

    /// <summary>A problem in words alone.</summary>
    public static string MessageOf(IResult answer) => answer switch
    {
        HttpProblems.WithHeader with => MessageOf(with.Inner),
        ProblemHttpResult problem => MessageOf(problem),
        _ => "Something went wrong.",
    };

    private static string MessageOf(ProblemHttpResult problem) =>
        problem.ProblemDetails.Extensions.TryGetValue("problems", out var several) && several is IEnumerable<string> problems
            ? string.Join(' ', problems)
            : problem.ProblemDetails.Detail ?? problem.ProblemDetails.Title ?? "Something went wrong.";
}
