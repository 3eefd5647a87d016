using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Deletion;

namespace MlOps.Web;

/// <summary>The one answer to every deletion: 204 when it is gone, 404 when there was nothing, 409 with the reason when it is kept.</summary>
internal static class Deletions
{
    public static IResult Answer(DeletionResult result, Func<IResult> unknown) => result switch
    {
        { Refusal: { } why } => HttpProblems.Conflict(why),
        { Found: false } => unknown(),
        _ => TypedResults.NoContent(),
    };
}
