using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>The model registry.</summary>
public static class ModelsApi
{
    public static async Task<IResult> ListAsync(
        [Description(PageQuery.TakeWords)] string? take, [Description(PageQuery.NextWords)] string? next, ModelRegistry registry, CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        var page = await registry.ListAsync(query.Take, query.Next, cancel);
        return TypedResults.Ok(new ModelList([.. page.Items.Select(ModelView.Of)], page.Next));
    }

    public static async Task<IResult> ListVersionsAsync(
        string name,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        ModelRegistry registry,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (await FindAsync(name, registry, cancel) is not { } model)
        {
            return Unknown(name);
        }
        var page = await registry.ListVersionsAsync(name, query.Take, query.Next, cancel);
        return TypedResults.Ok(new VersionList([.. page.Items.Select(version => VersionView.Of(version, model))], page.Next));
    }

    public static async Task<IResult> GetAsync(string name, ModelRegistry registry, CancellationToken cancel)
    {
        if (await FindAsync(name, registry, cancel) is not { } model)
        {
            return Unknown(name);
        }
        var versions = await registry.ListVersionsAsync(name, PageQuery.Default, next: null, cancel);
        var history = await registry.ListHistoryAsync(name, PageQuery.Default, cancel);
        return TypedResults.Ok(
            ModelView.Of(model) with { Versions = [.. versions.Items.Select(version => VersionView.Of(version, model))], History = history });
    }

    public static async Task<IResult> GetVersionAsync(string name, string version, ModelRegistry registry, ArtifactStore artifacts, CancellationToken cancel)
    {
        if (await FindAsync(name, registry, cancel) is not { } model)
        {
            return Unknown(name);
        }
        var isNumber = int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        return isNumber && await registry.FindVersionAsync(name, number, cancel) is { } found
            ? TypedResults.Ok(VersionView.Of(found, model) with { Signature = await SignatureOfAsync(found, artifacts, cancel) })
            : HttpProblems.NotFound(
                $"Model '{name}' has no version '{version}'. GET {Links.Model(name)} lists its versions; the newest is {model.LatestVersion}.");
    }

    /// <summary>Points an alias at a version: a person's decision, whatever the gates say.</summary>
    public static async Task<IResult> PutAliasAsync(
        string name, string alias, HttpRequest request, ModelRegistry registry, InputLimits limits, CancellationToken cancel)
    {
        var version = await JsonBody.ReadAsync(request, limits, ReadVersion, cancel);
        if (!Names.Alias.IsMatch(alias))
        {
            return HttpProblems.BadRequest($"The alias '{alias}' must be 1 to 32 lower-case letters, digits and hyphens, with no hyphen at either end.");
        }
        if (alias == TrafficSplit.Name)
        {
            return HttpProblems.BadRequest($"No alias is called '{alias}': PUT {Links.Model(name)}/traffic says which versions answer requests.");
        }
        if (await FindAsync(name, registry, cancel) is not { } model)
        {
            return Unknown(name);
        }
        Auditing.Tell(request.HttpContext, VersionText(model.Aliases.TryGetValue(alias, out var before) ? before : null), VersionText(version));
        return TypedResults.Ok(ModelView.Of(await registry.SetAliasAsync(name, alias, version, "set over HTTP", cancel)));
    }

    /// <summary>
    /// Points production back at the version before the one that the caller names, in the body or by <c>If-Match</c>: without a name, a second request would
    /// go back once more.
    /// </summary>
    public static async Task<IResult> RollbackAsync(
        string name, HttpRequest request, ModelRegistry registry, InputLimits limits, CancellationToken cancel)
    {
        var from = await JsonBody.ReadAsync(request, limits, body => (int?)body.Integer("from", 1, int.MaxValue), cancel);
        if (await FindAsync(name, registry, cancel) is not { } model)
        {
            return Unknown(name);
        }
        from = VersionOf(request.Headers.IfMatch, from);
        if (from is null && model.Production is { } there)
        {
            return HttpProblems.BadRequest(
                $"Name the version that is to leave production, so that the same request again goes back no further: version {there} of model '{name}' is "
                + $"there now. Send {{\"from\": {there}}}, or the header If-Match: \"{there}\".");
        }
        try
        {
            var back = await registry.RollbackAsync(name, from, cancel);
            Auditing.Tell(request.HttpContext, VersionText(from), VersionText(back.Production));
            return TypedResults.Ok(ModelView.Of(back) with { From = from });
        }
        catch (InputException refused)
        {
            return HttpProblems.Conflict(refused.Message);
        }
    }

    public static async Task<IResult> DeleteAsync(string name, ModelDeletion models, CancellationToken cancel) =>
        Deletions.Answer(Names.IsModel(name) ? await models.DeleteAsync(name, cancel) : DeletionResult.Unknown, () => Unknown(name));

    public static async Task<IResult> DeleteVersionAsync(string name, string version, ModelDeletion models, CancellationToken cancel)
    {
        var result = Names.IsModel(name) && int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? await models.DeleteVersionAsync(name, number, cancel)
            : DeletionResult.Unknown;
        return Deletions.Answer(result, () => HttpProblems.NotFound($"Model '{name}' has no version '{version}'. GET {Links.Model(name)} lists its versions."));
    }

    public static async Task<IResult> DeleteAliasAsync(string name, string alias, ModelDeletion models, CancellationToken cancel)
    {
        var result = Names.IsModel(name) && Names.Alias.IsMatch(alias) ? await models.DeleteAliasAsync(name, alias, cancel) : DeletionResult.Unknown;
        return Deletions.Answer(result, () => HttpProblems.NotFound($"Model '{name}' has no alias '{alias}'. GET {Links.Model(name)} lists its aliases."));
    }

    /// <summary>The version that the header names, or the body.</summary>
    /// <exception cref="InputException">It is no version, or they name two.</exception>
    private static int? VersionOf(StringValues ifMatch, int? from)
    {
        if (ifMatch.Count == 0)
        {
            return from;
        }
        return int.TryParse(ifMatch.ToString().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var version) && (from ?? version) == version
            ? version
            : throw new InputException(
                $"If-Match is {ifMatch}; it must be the version that is to leave production, such as \"2\", and the same as 'from' in the body.");
    }

    private static string? VersionText(int? version) => version is { } number ? $"version {number}" : null;

    private static int ReadVersion(JsonReader body)
    {
        var version = body.Integer("version", 1, int.MaxValue);
        if (body.Take("version") is null)
        {
            body.Problem("version", "is missing: send {\"version\": 3}.");
        }
        return (int)(version ?? 0);
    }

    internal static async Task<RegisteredModel?> FindAsync(string name, ModelRegistry registry, CancellationToken cancel) =>
        Names.IsModel(name) ? await registry.FindAsync(name, cancel) : null;

    internal static IResult Unknown(string name) =>
        HttpProblems.NotFound($"Model '{name}' has no registered version. GET /models lists those that have; POST /pipelines/{name}/runs trains one.");

    private static async Task<Signature?> SignatureOfAsync(ModelVersion version, ArtifactStore artifacts, CancellationToken cancel) =>
        await version.ToFiles().FindAsync(artifacts, "signature.json", cancel) is { } signature ? Json.Read<Signature>(signature.ToString()) : null;
}
