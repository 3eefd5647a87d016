using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.OpenLineage;

/// <summary>Events of runs as the OpenLineage specification 2.0.2 has them, from what is on record.</summary>
public sealed class LineageEvents(DataLog log, DatasetStore datasets, ProfileStore profiles, PipelineStorage storage, OpenLineageOptions options)
{
    private const string Schema = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

    /// <summary>The run's id in events: always the same for the same run.</summary>
    public static Guid IdOf(string runId)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes("mlops run " + runId))[..16];
        // Version 8 of RFC 9562: a hash of the maker's choice.
        (bytes[6], bytes[8]) = ((byte)((bytes[6] & 0x0F) | 0x80), (byte)((bytes[8] & 0x3F) | 0x80));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>When a run began; null: not yet, or it was cancelled before. One that failed before it could begin is told of all the same.</summary>
    internal static DateTimeOffset? BegunAt(Run run) =>
        run.Started ?? (run.State is RunState.Succeeded or RunState.Blocked or RunState.Failed ? run.Created : null);

    internal static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    internal async Task<(string Type, DateTimeOffset At, string Body)> WriteAsync(Run run, LineageMoment moment, CancellationToken cancel)
    {
        var hasEnded = moment == LineageMoment.End;
        var type = !hasEnded ? "START" : run.State switch
        {
            RunState.Failed => "FAIL",
            RunState.Cancelled => "ABORT",
            _ => "COMPLETE",
        };
        var at = hasEnded ? run.Ended ?? run.Created : BegunAt(run) ?? run.Created;
        var had = hasEnded ? await VersionsAsync(run, cancel) : new Dictionary<string, DatasetManifest>();
        var written = new JsonObject
        {
            ["eventType"] = type,
            ["eventTime"] = Time(at),
            ["producer"] = LineageFacets.Producer,
            ["schemaURL"] = Schema,
            ["run"] = new JsonObject { ["runId"] = IdOf(run.RunId).ToString(), ["facets"] = RunFacets(run, hasEnded) },
            ["job"] = new JsonObject
            {
                ["namespace"] = options.Namespace,
                ["name"] = run.Goal switch
                {
                    RunGoal.Dataset => $"{run.Model}.ingest",
                    RunGoal.Canary => $"{run.Model}.canary",
                    RunGoal.Score => $"{run.Model}.score",
                    _ => run.Model,
                },
                ["facets"] = new JsonObject
                {
                    ["jobType"] = LineageFacets.JobType(run.Goal switch
                    {
                        RunGoal.Dataset => "INGESTION",
                        RunGoal.Canary => "CANARY",
                        RunGoal.Score => "SCORING",
                        _ => "TRAINING",
                    }),
                },
            },
            ["inputs"] = new JsonArray([.. InputsOf(run, had)]),
            ["outputs"] = new JsonArray([.. await OutputsAsync(run, had, hasEnded, cancel)]),
        };
        return (type, at, written.ToJsonString(Json.Options));
    }

    private async Task<IReadOnlyDictionary<string, DatasetManifest>> VersionsAsync(Run run, CancellationToken cancel)
    {
        var found = new Dictionary<string, DatasetManifest>(StringComparer.Ordinal);
        foreach (var use in await log.ListOfRunAsync(run.Model, run.RunId, cancel))
        {
            if (await datasets.FindAsync(use.Id, cancel) is { } version)
            {
                found[use.Stage] = version;
            }
        }
        return found;
    }

    private static JsonObject RunFacets(Run run, bool hasEnded)
    {
        var facets = new JsonObject();
        if (hasEnded && run is { State: RunState.Failed or RunState.Cancelled, Error: { } error })
        {
            facets["errorMessage"] = LineageFacets.Error(error);
        }
        if (run.Trigger == RunTriggers.Schedule && RunId.TimeOf(run.RunId) is { } due)
        {
            // A scheduled run is called by the time that it was due at.
            facets["nominalTime"] = LineageFacets.NominalTime(due);
        }
        return facets;
    }

    private IEnumerable<JsonNode> InputsOf(Run run, IReadOnlyDictionary<string, DatasetManifest> had)
    {
        yield return InputOf(run, had.GetValueOrDefault("raw") ?? had.GetValueOrDefault(DataEntry.Input));
        if (run is { Goal: RunGoal.Score, Version: { } version })
        {
            yield return VersionOf(run.Model, version);
        }
    }

    /// <summary>The file, called as the specification calls it, or the version that the run reads.</summary>
    private JsonObject InputOf(Run run, DatasetManifest? raw)
    {
        if (run is { Goal: RunGoal.Canary, Version: { } version })
        {
            return VersionOf(run.Model, version);
        }
        var input = StoredSource.IdOf(run.Source) is { } id
            ? Dataset(options.Namespace, $"{run.Model}/raw", new JsonObject
            {
                ["version"] = LineageFacets.Version(id),
                ["dataSource"] = LineageFacets.DataSource("datasets", storage.Datasets.Uri),
            })
            : FileOf(run);
        if (raw is not null)
        {
            input["facets"]!.AsObject()["schema"] = LineageFacets.Schema(raw.Columns);
            input["inputFacets"] = new JsonObject { ["inputStatistics"] = LineageFacets.Read(raw) };
        }
        return input;
    }

    private JsonObject FileOf(Run run)
    {
        const string Prefix = "raw/";
        if (!run.Source.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return Dataset("file", run.Source, []);
        }
        var facets = new JsonObject { ["dataSource"] = LineageFacets.DataSource("raw", storage.Raw.Uri) };
        if (run.SourceETag is { } etag)
        {
            facets["version"] = LineageFacets.Version(etag);
        }
        var host = storage.Raw.Uri.Host.StartsWith(storage.Raw.AccountName + ".", StringComparison.Ordinal) ? storage.Raw.Uri.Host : storage.Raw.AccountName;
        return Dataset($"wasbs://raw@{host}", run.Source[Prefix.Length..], facets);
    }

    private async Task<IReadOnlyList<JsonNode>> OutputsAsync(
        Run run, IReadOnlyDictionary<string, DatasetManifest> had, bool hasEnded, CancellationToken cancel)
    {
        var outputs = new List<JsonNode>();
        var readsFile = StoredSource.IdOf(run.Source) is null;
        foreach (var stage in DataEntry.Stages.Where(stage => had.ContainsKey(stage) && (readsFile || stage is not ("raw" or DataEntry.Input))))
        {
            outputs.Add(await OutputOfAsync(run.Model, stage, had[stage], cancel));
        }
        // A canary makes no version: it decides what becomes of one. Neither does what scores with one.
        if (hasEnded && run is { Goal: not (RunGoal.Canary or RunGoal.Score), Version: { } version })
        {
            outputs.Add(VersionOf(run.Model, version));
        }
        return outputs;
    }

    private JsonObject VersionOf(string model, int version) => Dataset(options.Namespace, model, new JsonObject
    {
        ["version"] = LineageFacets.Version(version.ToString(CultureInfo.InvariantCulture)),
        ["datasetType"] = LineageFacets.Type("MODEL"),
        ["dataSource"] = LineageFacets.DataSource("artifacts", storage.Artifacts.Uri),
    });

    private async Task<JsonObject> OutputOfAsync(string model, string stage, DatasetManifest version, CancellationToken cancel)
    {
        var facets = new JsonObject
        {
            ["schema"] = LineageFacets.Schema(version.Columns),
            ["version"] = LineageFacets.Version(version.Id),
            ["dataSource"] = LineageFacets.DataSource("datasets", storage.Datasets.Uri),
            ["datasetType"] = LineageFacets.Type(version.Parts.Count > 0 ? "TABLE" : "VIEW"),
        };
        if (await profiles.FindAsync(version, cancel) is { } profile)
        {
            facets["dataQualityMetrics"] = LineageFacets.Quality(version.Rows, profile);
        }
        var output = Dataset(options.Namespace, $"{model}/{stage}", facets);
        output["outputFacets"] = new JsonObject { ["outputStatistics"] = LineageFacets.Written(version) };
        return output;
    }

    private static JsonObject Dataset(string space, string name, JsonObject facets) => new()
    {
        ["namespace"] = space,
        ["name"] = name,
        ["facets"] = facets,
    };
}
