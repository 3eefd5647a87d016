using System.ComponentModel;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Versions;

namespace MlOps.Web;

/// <summary>
/// Collecting what nothing reaches, and verifying what is there. Neither holds a request for long: half of what a request may take is worked, and the answer
/// says what is left.
/// </summary>
public static class DataCareApi
{
    private const int MostListed = 1000;

    public static async Task<IResult> CollectAsync(HttpRequest request, DataCollector collector, InputLimits limits, CancellationToken cancel)
    {
        var delete = await JsonBody.ReadAsync(request, limits, json => json.Flag("delete") ?? false, cancel);
        var found = await collector.FindAsync(cancel);
        var shown = found.Findings.Take(MostListed).Select(Of).ToList();
        var all = new DataGarbageView(
            shown, found.Findings.Count, found.Bytes, found.Versions, found.StoredBytes, found.SharedBytes, Deleted: 0, DeletedBytes: 0);
        if (!delete)
        {
            return TypedResults.Ok(all);
        }
        var deleted = await collector.DeleteAsync(found, Half(limits), cancel);
        Auditing.Tell(request.HttpContext, null, $"{deleted.Findings.Count} of {found.Findings.Count} folders, {deleted.Bytes} bytes");
        return TypedResults.Ok(all with { Deleted = deleted.Findings.Count, DeletedBytes = deleted.Bytes });
    }

    public static async Task<IResult> VerifyAsync(
        string model,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        DataVerification verification,
        InputLimits limits,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (!Names.IsModel(model))
        {
            return HttpProblems.BadRequest($"The model name '{model}' in the URL must be {ModelName.Rule}.");
        }
        var (broken, versions, bytes, more) = await verification.VerifyAsync(model, query.Take, query.Next, Half(limits), cancel);
        return TypedResults.Ok(new DataVerificationView([.. broken.Select(Of)], versions, bytes, more));
    }

    private static TimeSpan Half(InputLimits limits) => TimeSpan.FromSeconds(limits.RequestSeconds / 2.0);

    private static DataFinding Of(Finding finding) => new(finding.Where, finding.Problem, finding.Bytes);
}

/// <summary>The body of <c>POST /datasets/gc</c>; may be left out.</summary>
/// <param name="Delete">Whether it is deleted; false when left out: only what would be deleted is shown.</param>
public sealed record DataGarbageRequest(bool Delete);

/// <summary>Dataset versions that nothing reaches.</summary>
/// <param name="Found">The first 1000 of their folders.</param>
/// <param name="Folders">How many there are.</param>
/// <param name="Bytes">What they take.</param>
/// <param name="Versions">How many dataset versions there were in all.</param>
/// <param name="StoredBytes">What they took in all, each part stored once.</param>
/// <param name="SharedBytes">Bytes of the parts that versions read which are views of others, summed over these: not stored again.</param>
/// <param name="Deleted">
/// Folders that were deleted now; where it is fewer than there are, ask again: the rest was left for lack of time, or is somebody's by now.
/// </param>
/// <param name="DeletedBytes">What they took.</param>
public sealed record DataGarbageView(
    IReadOnlyList<DataFinding> Found, int Folders, long Bytes, int Versions, long StoredBytes, long SharedBytes, int Deleted, long DeletedBytes);

/// <param name="Where">Which folder.</param>
/// <param name="Problem">What is the matter with it, and what to do.</param>
/// <param name="Bytes">What it takes, where nothing reaches it.</param>
public sealed record DataFinding(string Where, string Problem, long Bytes);

/// <summary>Dataset versions that were read again.</summary>
/// <param name="Broken">What is damaged.</param>
/// <param name="Versions">Versions that were read to their end.</param>
/// <param name="Bytes">Bytes that were read.</param>
/// <param name="Next">Where it goes on; left out when all was read.</param>
public sealed record DataVerificationView(IReadOnlyList<DataFinding> Broken, int Versions, long Bytes, string? Next);
