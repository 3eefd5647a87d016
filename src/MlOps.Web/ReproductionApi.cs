using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>Runs that are run again on a storage of their own, and whether they come to the same.</summary>
public static class ReproductionApi
{
    /// <summary>Starts the reproduction of a run, unless one goes on.</summary>
    public static async Task<IResult> PostAsync(string id, HttpContext http, RunStore runs, CancellationToken cancel)
    {
        if (!Names.IsRun(id) || await runs.FindDetailsAsync(id, cancel) is not { } details)
        {
            return RunsApi.Unknown(id);
        }
        if (Find(http) is not { } reproducer)
        {
            return NotHere(id);
        }
        var going = await reproducer.ReproduceAsync(details, Callers.NameOf(http.User) ?? "nobody", cancel);
        return going.RunId == id
            ? TypedResults.Accepted(Links.Reproduction(id), going)
            : HttpProblems.Conflict(
                $"This host is reproducing run '{going.RunId}', and reproduces one at a time. Ask again when that has ended: "
                    + $"GET {Links.Reproduction(going.RunId)} says when.");
    }

    /// <summary>The latest reproduction of a run.</summary>
    public static async Task<IResult> GetAsync(string id, HttpContext http, RunStore runs, CancellationToken cancel)
    {
        if (!Names.IsRun(id) || await runs.FindAsync(id, cancel) is null)
        {
            return RunsApi.Unknown(id);
        }
        if (Find(http) is not { } reproducer)
        {
            return NotHere(id);
        }
        return await reproducer.FindAsync(id, cancel) is { } found
            ? TypedResults.Ok(found)
            : HttpProblems.NotFound($"Nobody has asked for a reproduction of run '{id}'. POST {Links.Reproduction(id)} does.");
    }

    /// <summary>What reproduces runs; null where the host has no place for it.</summary>
    private static IReproducer? Find(HttpContext http) => http.RequestServices.GetService<IReproducer>();

    private static IResult NotHere(string id) => HttpProblems.Of(
        StatusCodes.Status501NotImplemented,
        [
            $"This host has no place for a storage of its own, on which a run is run again. Use the command line: mlops reproduce {id} --storage ACCOUNT, "
                + "with the connection string or the blob address of this host's storage account.",
        ]);
}
