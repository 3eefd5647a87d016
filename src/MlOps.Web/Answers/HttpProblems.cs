using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Models;

namespace MlOps.Web.Answers;

/// <summary>Everything that goes wrong, as RFC 9457 problem+json whose detail says what to do.</summary>
public static partial class HttpProblems
{
    private const int MostProblems = 100;
    private const int LongestProblem = 2000;
    private const int ClientClosedRequest = 499;

    private static readonly TimeSpan StorageRetryAfter = TimeSpan.FromSeconds(5);

    public static IResult BadRequest(params IReadOnlyList<string> problems) => Of(StatusCodes.Status400BadRequest, problems);

    public static IResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, [detail]);

    public static IResult Conflict(string detail) => Of(StatusCodes.Status409Conflict, [detail]);

    /// <summary>503 with <c>Retry-After</c>.</summary>
    public static IResult TryLater(string detail, TimeSpan after) =>
        new WithHeader("Retry-After", $"{Math.Max(1, (int)Math.Ceiling(after.TotalSeconds))}", Of(StatusCodes.Status503ServiceUnavailable, [detail]));

    /// <summary>A problem of any status.</summary>
    /// <param name="status">The HTTP status.</param>
    /// <param name="problems">One sentence each; several are also listed in the extension <c>problems</c>.</param>
    public static IResult Of(int status, IReadOnlyList<string> problems)
    {
        var count = problems.Count;
        problems = Shorten(problems);
        if (problems.Count <= 1)
        {
            return TypedResults.Problem(detail: problems is [var only] ? only : null, statusCode: status);
        }
        var detail = $"{count} problems, listed in 'problems'. The first: {problems[0]}";
        return TypedResults.Problem(detail: detail, statusCode: status, extensions: new Dictionary<string, object?> { ["problems"] = problems });
    }

    /// <summary>What a caller is told of a fault. Faults of the server are logged, and their insides stay there.</summary>
    public static IResult For(Exception fault, HttpContext http, ILogger logger)
    {
        switch (fault)
        {
            case InputException wrong:
                return BadRequest(wrong.Problems);
            case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                return Of(StatusCodes.Status408RequestTimeout, [RequestLimits.SlowSentence(http.RequestServices.GetRequiredService<InputLimits>())]);
            case BadHttpRequestException malformed:
                return Of(malformed.StatusCode, [malformed.Message]);
            case not null when RequestLimits.IsLate(http):
                return Of(StatusCodes.Status408RequestTimeout, [RequestLimits.LateSentence(http.RequestServices.GetRequiredService<InputLimits>())]);
            case OperationCanceledException when http.RequestAborted.IsCancellationRequested:
                return TypedResults.StatusCode(ClientClosedRequest);
            case ModelLoadException damaged:
                LogFailed(logger, http.Request.Method, http.Request.Path, TraceIds.Of(http), damaged);
                return Of(StatusCodes.Status500InternalServerError, [damaged.Message]);
            case not null when TransientFaults.IsTransient(fault) && !FaultText.IsOfTheMachine(fault):
                LogUnreachable(logger, http.Request.Method, http.Request.Path, TraceIds.Of(http), fault);
                return TryLater("Storage does not answer at the moment. Try again; GET /health says when it is back.", StorageRetryAfter);
            default:
                LogFailed(logger, http.Request.Method, http.Request.Path, TraceIds.Of(http), fault!);
                return Of(
                    StatusCodes.Status500InternalServerError,
                    ["Something went wrong in the server; its log says what. If trying again does not help, tell its operator."]);
        }
    }

    /// <summary>Problems quote what was sent, and that can be megabytes.</summary>
    private static IReadOnlyList<string> Shorten(IReadOnlyList<string> problems)
    {
        var shown = problems.Take(MostProblems)
            .Select(problem => problem.Length <= LongestProblem ? problem : string.Concat(problem.AsSpan(0, LongestProblem), " …"));
        return problems.Count <= MostProblems ? [.. shown] : [.. shown, $"… and {problems.Count - MostProblems} more."];
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method} {Path}: storage does not answer (trace {TraceId})")]
    private static partial void LogUnreachable(ILogger logger, string method, PathString path, string traceId, Exception fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed (trace {TraceId})")]
    private static partial void LogFailed(ILogger logger, string method, PathString path, string traceId, Exception fault);

    /// <summary>An answer with one header more.</summary>
    internal sealed class WithHeader(string name, string value, IResult inner) : IResult
    {
        public string Name => name;

        public string Value => value;

        public IResult Inner => inner;

        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers[name] = value;
            return inner.ExecuteAsync(httpContext);
        }
    }
}
