using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Registry;

/// <summary>What is asked for of a model's traffic.</summary>
/// <param name="Percents">Version to percent; together 100. Empty: production answers all.</param>
/// <param name="Shadow">A version that is asked too, and whose answers nobody gets; null: none.</param>
/// <param name="Reason">Why.</param>
/// <param name="RunId">The run whose canary it is; null: a person's wish.</param>
public sealed record TrafficWish(IReadOnlyDictionary<int, int> Percents, int? Shadow, string Reason, string? RunId = null);

/// <summary>What a run's canary asks for.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Version">The version that is to go into production.</param>
/// <param name="Production">The version that it is to follow.</param>
/// <param name="Percent">Its share of the requests, 1 to 99.</param>
/// <param name="IsFirst">True: nobody has split them yet.</param>
public sealed record CanaryStep(string RunId, int Version, int Production, int Percent, bool IsFirst);

/// <summary>Shares a model's requests out between its versions: who may take part is decided here.</summary>
public sealed class ModelTraffic(ModelRegistry registry, ArtifactStore artifacts, PipelineStorage storage, TimeProvider time)
{
    private const int MostVersions = 10;

    /// <summary>A name that is younger may be one whose split is being written.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(5);

    private const string SignatureFile = "signature.json";

    private readonly ModelIndex index = ModelIndex.OfTraffic(storage);

    /// <summary>The models whose requests are shared out now.</summary>
    public async Task<IReadOnlyList<RegisteredModel>> ListAsync(CancellationToken cancel)
    {
        var split = new List<RegisteredModel>();
        await foreach (var name in index.NamesAsync(after: null, int.MaxValue, cancel))
        {
            var listed = await index.FindAsync(name, cancel);
            if (await registry.FindAsync(name, cancel) is { Traffic: not null } model)
            {
                split.Add(model);
            }
            else if (listed is not null && time.GetUtcNow() - listed.Timestamp > Settled)
            {
                await index.RemoveAsync(listed, cancel);
            }
        }
        return split;
    }

    /// <summary>Shares requests out.</summary>
    /// <exception cref="InputException">The shares do not come to 100, or a version is not there or does not take the rows that production takes.</exception>
    public async Task<RegisteredModel> SplitAsync(string model, TrafficWish wish, CancellationToken cancel)
    {
        // The index first: a host that dies in between leaves a name without a split, which is passed by and taken off.
        await index.AddAsync(model, cancel);
        var id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        return await registry.ChangeTrafficAsync(model, async present => await SplitAsync(present, wish, id, cancel), cancel);
    }

    /// <summary>Lets production answer everything.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="split">The split that is to end; another one stays. Null: whichever there is.</param>
    /// <param name="cancel">Stops it.</param>
    public Task<RegisteredModel> EndAsync(string model, string? split, CancellationToken cancel) => registry.ChangeTrafficAsync(
        model, present => Task.FromResult(split is null || present.Traffic?.Id == split ? null : present.Traffic), cancel);

    /// <summary>Takes a version out of a split: production gets its share. Another split stays as it is.</summary>
    public Task<RegisteredModel> TakeOutAsync(string model, string split, int version, string reason, CancellationToken cancel)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        return registry.ChangeTrafficAsync(
            model,
            present => Task.FromResult(present.Traffic is { } found && found.Id == split ? Without(found, version, id, reason) : present.Traffic),
            cancel);
    }

    private TrafficSplit? Without(TrafficSplit split, int version, string id, string reason)
    {
        var taken = split.Shares.Where(share => share.Version == version).Sum(share => share.Percent);
        var rest = split with
        {
            Id = id,
            Shares =
            [
                .. split.Shares.Where(share => share.Version != version)
                    .Select(share => share.Version == split.Production ? share with { Percent = share.Percent + taken } : share),
            ],
            Since = time.GetUtcNow(),
            Reason = reason,
        };
        return rest.Challengers.Any() || rest.Shadow is not null ? rest : null;
    }

    /// <summary>Ends the split that a run's canary has made; another one stays.</summary>
    public Task<RegisteredModel> EndOfRunAsync(string model, string runId, CancellationToken cancel) => registry.ChangeTrafficAsync(
        model, present => Task.FromResult(present.Traffic?.RunId == runId ? null : present.Traffic), cancel);

    /// <summary>Gives a run's version its share; the same again changes nothing.</summary>
    /// <returns>Null, or why it does not get it: what a person has decided meanwhile stands.</returns>
    /// <exception cref="InputException">The version cannot stand in for production.</exception>
    public async Task<string?> ShiftAsync(string model, CanaryStep step, CancellationToken cancel)
    {
        await index.AddAsync(model, cancel);
        var id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        var percents = new Dictionary<int, int> { [step.Production] = 100 - step.Percent, [step.Version] = step.Percent };
        string? stopped = null;
        await registry.ChangeTrafficAsync(
            model,
            async present =>
            {
                stopped = step.IsFirst && present.Traffic is null && present.Production == step.Production
                    ? null
                    : WhyNotOf(present, step.RunId, step.Production);
                if (stopped is not null || Answers(present.Traffic, step))
                {
                    return present.Traffic;
                }
                return await SplitAsync(present, new TrafficWish(percents, Shadow: null, $"canary of run {step.RunId}", step.RunId), id, cancel);
            },
            cancel);
        return stopped;
    }

    /// <summary>Why a run's canary is not in force; null when it is.</summary>
    public static string? WhyNotOf(RegisteredModel? model, string runId, int production) => model switch
    {
        { Production: { } present } when present != production => $"version {present} has gone into production meanwhile, in place of version {production}",
        { Production: null } or null => "no version is in production any more",
        { Traffic: null } => "its traffic was given back to production by hand",
        { Traffic.RunId: null, Traffic: var split } => $"traffic is split by hand ({split}); end that first: DELETE /models/{model.Model}/traffic",
        { Traffic.RunId: var other } when other != runId => $"traffic is split by run {other}",
        _ => null,
    };

    /// <summary>Checks that a version can answer in production's place.</summary>
    /// <exception cref="InputException">It is not there, is in production itself, or does not take the rows that production takes.</exception>
    public async Task CheckAsync(string model, int version, int production, CancellationToken cancel)
    {
        if (version == production)
        {
            throw new InputException($"Version {version} of model '{model}' is in production already.");
        }
        CheckSame(await SignatureOfAsync(model, version, cancel), await SignatureOfAsync(model, production, cancel), version, production);
    }

    private static bool Answers(TrafficSplit? split, CanaryStep step) =>
        split is not null && split.Shares.Any(share => share.Version == step.Version && share.Percent == step.Percent);

    private async Task<TrafficSplit?> SplitAsync(RegisteredModel model, TrafficWish wish, string id, CancellationToken cancel)
    {
        if (model.Production is not { } production)
        {
            throw new InputException($"Model '{model.Model}' has no version in production, whose requests could be shared out. Promote one first: "
                + $"PUT /models/{model.Model}/aliases/production.");
        }
        var percents = wish.Percents.Count == 0 ? new Dictionary<int, int> { [production] = 100 } : wish.Percents;
        CheckShares(percents, production);
        if (wish.Shadow is { } shadow && (shadow == production || percents.ContainsKey(shadow)))
        {
            throw new InputException($"Version {shadow} answers requests itself: a shadow is a version that does not.");
        }
        var split = new TrafficSplit
        {
            Id = id,
            Production = production,
            Shares = [.. percents.OrderBy(share => share.Key).Select(share => new TrafficShare(share.Key, share.Value))],
            Shadow = wish.Shadow,
            Since = time.GetUtcNow(),
            Reason = wish.Reason,
            RunId = wish.RunId,
        };
        var main = await SignatureOfAsync(model.Model, production, cancel);
        foreach (var version in split.Versions.Where(version => version != production))
        {
            CheckSame(await SignatureOfAsync(model.Model, version, cancel), main, version, production);
        }
        return split;
    }

    private static void CheckShares(IReadOnlyDictionary<int, int> percents, int production)
    {
        var sum = percents.Values.Sum();
        if (sum != 100 || percents.Values.Any(percent => percent < 0))
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture, $"The weights are percents, 0 to 100 each, and come to 100 together; these come to {sum}."));
        }
        if (!percents.TryGetValue(production, out var rest) || rest == 0)
        {
            throw new InputException($"Version {production} is in production and has no share: give it one, or promote another version "
                + $"(PUT …/aliases/production), which then answers everything.");
        }
        if (percents.Count > MostVersions)
        {
            throw new InputException($"{percents.Count} versions are too many to compare; {MostVersions} are the most.");
        }
    }

    private async Task<(Signature Signature, TaskKind Task)> SignatureOfAsync(string model, int number, CancellationToken cancel)
    {
        var version = await registry.FindVersionAsync(model, number, cancel)
            ?? throw new InputException($"Model '{model}' has no version {number}. GET /models/{model} lists its versions.");
        var stored = await version.ToFiles().FindAsync(artifacts, SignatureFile, cancel)
            ?? throw new InputException($"Version {number} of model '{model}' has lost its files, and cannot answer.");
        return (Json.Read<Signature>(stored.ToString()), version.Task);
    }

    /// <summary>Whoever may be answered by either must be able to send the same row.</summary>
    private static void CheckSame((Signature Signature, TaskKind Task) other, (Signature Signature, TaskKind Task) main, int version, int production)
    {
        if (other.Task != main.Task)
        {
            throw new InputException($"Version {version} is of task {DefinitionNames.Tasks.NameOf(other.Task)}, version {production} in production of "
                + $"{DefinitionNames.Tasks.NameOf(main.Task)}: their answers cannot stand for each other.");
        }
        var (theirs, ours) = (ColumnsOf(other.Signature), ColumnsOf(main.Signature));
        var problems = theirs.Except(ours).Select(column => $"Version {version} reads {column}, and version {production} in production does not.")
            .Concat(ours.Except(theirs).Select(column => $"Version {production} in production reads {column}, and version {version} does not.")).ToList();
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    private static HashSet<string> ColumnsOf(Signature signature) =>
        [.. signature.Inputs.Select(input => $"column '{input.Name}' ({DefinitionNames.Kinds.NameOf(input.Kind)})")];
}
