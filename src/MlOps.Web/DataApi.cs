using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Serving.Feedback;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>Dataset versions: which there are, what is in them, what is different between two, and names for them.</summary>
public static class DataApi
{
    internal const string VersionWords = "A dataset version by a tag, 'latest', 'latest~1', 'v3' (raw rows of model version 3), 'v3:train', or an id.";

    public static async Task<IResult> ListAsync(
        string model,
        [Description("Only raw, clean, features, train, validation or test versions; left out: all.")] string? stage,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        DataLog log,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (stage is not null && !DataEntry.Stages.Contains(stage))
        {
            return HttpProblems.BadRequest($"stage is '{stage}'; it must be one of {string.Join(", ", DataEntry.Stages)}.");
        }
        if (!Names.IsModel(model))
        {
            return BadModel(model);
        }
        var page = await log.ListAsync(model, stage, query.Take, query.Next, cancel);
        return TypedResults.Ok(new DataVersionList([.. page.Items.Select(version => new DataVersionLink(version, Links.Data(model, version.Id)))], page.Next));
    }

    public static async Task<IResult> GetAsync(
        string model, [Description(VersionWords)] string version, [AsParameters] DataRunsQuery query, DataVersions versions, DatasetStore datasets, DataLog log,
        DataTags tags, CancellationToken cancel)
    {
        var page = PageQuery.Of(query.Take, query.Next);
        if (await FindAsync(model, version, versions, cancel) is not { } found)
        {
            return Unknown(model, version);
        }
        var manifest = await datasets.GetAsync(found.Id, cancel);
        var runs = await log.ListRunsAsync(model, found.Id, page.Take, page.Next, cancel);
        var names = (await tags.ListAsync(model, cancel)).Where(tag => tag.Version == found.Id).Select(tag => tag.Name);
        var holder = manifest.ViewOf is null ? null : await datasets.FindHolderAsync(manifest, cancel);
        return TypedResults.Ok(DataVersionView.Of(found, manifest, [.. names], runs) with
        {
            Shared = holder is null ? null : new DataShared(holder.Id, holder.Bytes),
        });
    }

    /// <summary>The rows as a file.</summary>
    public static async Task<IResult> GetContentAsync(
        string model, [Description(VersionWords)] string version, [Description("csv or parquet; csv when left out.")] string? format, HttpContext http,
        DataVersions versions, DatasetStore datasets, DataCheckout checkout, CancellationToken cancel)
    {
        if (format is not (null or "csv" or "parquet"))
        {
            return HttpProblems.BadRequest($"format is '{format}'; it must be csv or parquet.");
        }
        if (await FindAsync(model, version, versions, cancel) is not { } found)
        {
            return Unknown(model, version);
        }
        var folder = datasets.NewDraftFolder();
        http.Response.RegisterForDispose(new DraftFolder(folder));
        var file = await checkout.WriteAsync(found, folder, format ?? "csv", cancel);
        return TypedResults.PhysicalFile(file, format == "parquet" ? "application/vnd.apache.parquet" : "text/csv", Path.GetFileName(file));
    }

    public static async Task<IResult> DiffAsync(
        string model, [AsParameters] DataDiffQuery query, DataVersions versions, DataComparison comparison, CancellationToken cancel)
    {
        var (from, to, key, take, statistics) = (query.From, query.To, query.Key, query.Take, query.Statistics);
        if (from is null || to is null)
        {
            return HttpProblems.BadRequest($"Name two versions: GET /datasets/{model}/diff?from=latest~1&to=latest.");
        }
        if (statistics is not (null or "true" or "false"))
        {
            return HttpProblems.BadRequest($"statistics is '{statistics}'; it must be true or false.");
        }
        var examples = take is null ? 10 : take == "0" ? 0 : PageQuery.Of(take, next: null).Take;
        if (await FindAsync(model, from, versions, cancel) is not { } before)
        {
            return Unknown(model, from);
        }
        if (await FindAsync(model, to, versions, cancel) is not { } after)
        {
            return Unknown(model, to);
        }
        var request = new DataDiffRequest(
            key?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries), examples, statistics is not "false");
        return TypedResults.Ok(await comparison.CompareAsync(before, after, request, cancel));
    }

    public static async Task<IResult> ListTagsAsync(
        string model, [Description(PageQuery.TakeWords)] string? take, [Description(PageQuery.NextWords)] string? next, DataTags tags, CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (!Names.IsModel(model))
        {
            return BadModel(model);
        }
        var page = await tags.ListAsync(model, query.Take, query.Next, cancel);
        return TypedResults.Ok(new DataTagList(page.Items, page.Next));
    }

    public static async Task<IResult> PutTagAsync(
        string model, string tag, HttpRequest request, DataVersions versions, DataTags tags, InputLimits limits, CancellationToken cancel)
    {
        var body = await JsonBody.ReadAsync(
            request, limits, json => new DataTagRequest(ReadVersion(json), json.Flag("movable") ?? false), cancel);
        if (await FindAsync(model, body.Version, versions, cancel) is not { } found)
        {
            return Unknown(model, body.Version);
        }
        var by = Callers.NameOf(request.HttpContext.User) ?? "nobody";
        try
        {
            var before = await tags.SetAsync(model, new DataTag(tag, found.Id, body.Movable, by, default), cancel);
            Auditing.Tell(request.HttpContext, before, found.Id);
            return TypedResults.Ok(await tags.FindAsync(model, tag, cancel));
        }
        catch (InputException taken) when (DataTags.IsValid(tag))
        {
            return HttpProblems.Conflict(taken.Message);
        }
    }

    /// <summary>Makes a raw version the newest again.</summary>
    public static async Task<IResult> RestoreAsync(
        string model, HttpRequest request, DataVersions versions, RunSources sources, InputLimits limits, CancellationToken cancel)
    {
        var named = await JsonBody.ReadAsync(request, limits, ReadVersion, cancel);
        if (await FindAsync(model, named, versions, cancel) is not { } found)
        {
            return Unknown(model, named);
        }
        var before = await versions.FindAsync(model, "latest", cancel);
        var by = Callers.NameOf(request.HttpContext.User) ?? "nobody";
        var restored = await sources.RestoreAsync(model, found.Id, by, cancel);
        Auditing.Tell(request.HttpContext, before?.Id, restored.Id);
        return TypedResults.Ok(new DataVersionLink(restored, Links.Data(model, restored.Id)));
    }

    /// <summary>Makes a raw version of predictions and what came true of them.</summary>
    public static async Task<IResult> FromPredictionsAsync(
        string model, HttpRequest request, FeedbackDataset rows, InputLimits limits, CancellationToken cancel)
    {
        if (!Names.IsModel(model))
        {
            return BadModel(model);
        }
        var body = await JsonBody.ReadAsync(
            request, limits, json => new DataFromPredictionsRequest(ReadTime(json, "from"), ReadTime(json, "until")), cancel);
        var made = await rows.MakeAsync(model, body.From, body.Until, cancel);
        Auditing.Tell(request.HttpContext, from: null, made.Id);
        return TypedResults.Ok(new DataVersionLink(made, Links.Data(model, made.Id)));
    }

    private static DateTimeOffset ReadTime(JsonReader json, string name)
    {
        if (json.Text(name) is not { } text)
        {
            json.Problem(name, "is missing: send a time such as 2026-11-26T10:00:00Z.");
        }
        else if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            json.Problem(name, $"is '{text}'; it must be a time such as 2026-11-26T10:00:00Z.");
        }
        else
        {
            return time;
        }
        return default;
    }

    private static string ReadVersion(JsonReader json)
    {
        var version = json.Text("version") ?? "";
        if (version.Length == 0)
        {
            json.Problem("version", $"is missing: name a dataset version by {DataVersions.Words}.");
        }
        return version;
    }

    public static async Task<IResult> DeleteTagAsync(string model, string tag, HttpContext http, DataTags tags, CancellationToken cancel)
    {
        try
        {
            if (!Names.IsModel(model) || !DataTags.IsValid(tag) || await tags.DeleteAsync(model, tag, cancel) is not { } before)
            {
                return HttpProblems.NotFound($"Model '{model}' has no tag '{tag}'. GET /datasets/{model}/tags lists its tags.");
            }
            Auditing.Tell(http, before, null);
            return TypedResults.NoContent();
        }
        catch (InputException pinned)
        {
            return HttpProblems.Conflict(pinned.Message);
        }
    }

    private static async Task<DataEntry?> FindAsync(string model, string version, DataVersions versions, CancellationToken cancel) =>
        Names.IsModel(model) && version.Length <= 100 ? await versions.FindAsync(model, version, cancel) : null;

    private static IResult Unknown(string model, string version) => HttpProblems.NotFound(DataVersions.Unknown(model, version));

    private static IResult BadModel(string model) => HttpProblems.BadRequest($"The model name '{model}' in the URL must be {ModelName.Rule}.");

    /// <summary>Is gone when the answer is.</summary>
    private sealed class DraftFolder(string path) : IDisposable
    {
        public void Dispose() => Directory.Delete(path, recursive: true);
    }
}

/// <summary>The query of <c>GET /datasets/{model}/diff</c>.</summary>
public sealed record DataDiffQuery
{
    [Description("What is compared with: " + DataApi.VersionWords)]
    public string? From { get; init; }

    [Description("What is compared: " + DataApi.VersionWords)]
    public string? To { get; init; }

    [Description("Columns, with commas between, that say which row is which; left out: those declared as ids, else all cells.")]
    public string? Key { get; init; }

    [Description("At most so many rows of each kind are shown, 0 to 1000; 10 when left out.")]
    public string? Take { get; init; }

    [Description("false: the values of the columns are not compared.")]
    public string? Statistics { get; init; }
}

/// <summary>Dataset versions of a model, newest first.</summary>
/// <param name="Versions">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record DataVersionList(IReadOnlyList<DataVersionLink> Versions, string? Next);

/// <param name="Version">The version.</param>
/// <param name="Url">Its address.</param>
public sealed record DataVersionLink(DataEntry Version, string Url);

/// <summary>A dataset version.</summary>
/// <param name="Version">What it is.</param>
/// <param name="Tags">Names that it has.</param>
/// <param name="Parents">Versions that it was made from; of a raw version, the SHA-256 of the file.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Parts">Its files; none for a view of another version.</param>
/// <param name="Runs">Runs that had it, the first first.</param>
/// <param name="Links">Where to go on.</param>
public sealed record DataVersionView(
    DataEntry Version, IReadOnlyList<string> Tags, IReadOnlyList<string> Parents, IReadOnlyList<DatasetColumn> Columns, IReadOnlyList<DatasetPart> Parts,
    IReadOnlyList<string> Runs, IReadOnlyDictionary<string, string> Links)
{
    /// <summary>What it reads of another version, of which it is a view; left out where all its bytes are its own.</summary>
    public DataShared? Shared { get; init; }

    /// <summary>Where the runs go on; left out at their end.</summary>
    public string? Next { get; init; }

    internal static DataVersionView Of(DataEntry version, DatasetManifest manifest, IReadOnlyList<string> tags, ListPage<string> runs)
    {
        var self = Views.Links.Data(version.Model, version.Id);
        return new DataVersionView(
            version, tags, manifest.Parents, manifest.Columns, manifest.Parts, runs.Items, new Dictionary<string, string>
            {
                ["self"] = self,
                ["csv"] = $"{self}/content?format=csv",
                ["parquet"] = $"{self}/content?format=parquet",
            })
        {
            Next = runs.Next,
        };
    }
}

/// <summary>Parts of another version, which are not stored again.</summary>
/// <param name="With">The version that has them.</param>
/// <param name="Bytes">What they take: of all their rows and columns, though a view may have fewer.</param>
public sealed record DataShared(string With, long Bytes);

/// <summary>Names of dataset versions.</summary>
/// <param name="Tags">The model's, by name.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record DataTagList(IReadOnlyList<DataTag> Tags, string? Next);

/// <summary>Which of a dataset version's runs are shown.</summary>
public sealed record DataRunsQuery
{
    [Description("At most this many of its runs, 1 to 1000; 50 when left out.")]
    public string? Take { get; init; }

    [Description("Where the runs go on: what an answer said as next; left out: the first ones.")]
    public string? Next { get; init; }
}

/// <summary>The body of <c>POST /datasets/{model}/restore</c>.</summary>
/// <param name="Version">The raw dataset version that becomes the newest again.</param>
public sealed record DataRestoreRequest(string Version);

/// <summary>The body of <c>POST /datasets/{model}/from-predictions</c>.</summary>
/// <param name="From">Predictions from this time on,</param>
/// <param name="Until">and before this one; at most 92 days later.</param>
public sealed record DataFromPredictionsRequest(DateTimeOffset From, DateTimeOffset Until);

/// <summary>The body of <c>PUT /datasets/{model}/tags/{tag}</c>.</summary>
/// <param name="Version">The dataset version that gets the name.</param>
/// <param name="Movable">Whether another version may get it later; false when left out.</param>
public sealed record DataTagRequest(string Version, bool Movable);
