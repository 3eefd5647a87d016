using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;

namespace MlOps.Web.Views;

/// <summary>Registered models, by name.</summary>
/// <param name="Models">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record ModelList(IReadOnlyList<ModelView> Models, string? Next);

/// <summary>Versions of a model, newest first.</summary>
/// <param name="Versions">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record VersionList(IReadOnlyList<VersionView> Versions, string? Next);

/// <summary>A registered model as it is shown. Versions and history only where one model is asked for.</summary>
/// <param name="Model">Its name.</param>
/// <param name="LatestVersion">Its newest version.</param>
/// <param name="Aliases">Alias to version number.</param>
/// <param name="Url">Where it is.</param>
public sealed record ModelView(string Model, int LatestVersion, IReadOnlyDictionary<string, int> Aliases, string Url)
{
    /// <summary>The newest 50, newest first; <c>GET …/versions</c> lists all.</summary>
    public IReadOnlyList<VersionView>? Versions { get; init; }

    /// <summary>The newest 50 moves of an alias, newest first.</summary>
    public IReadOnlyList<AliasChange>? History { get; init; }

    /// <summary>After a rollback, the version that left production.</summary>
    public int? From { get; init; }

    public static ModelView Of(RegisteredModel model) => new(model.Model, model.LatestVersion, model.Aliases, Links.Model(model.Model));
}

/// <summary>A version as it is shown. The signature only where one version is asked for.</summary>
public sealed record VersionView
{
    public required string Model { get; init; }
    public required int Version { get; init; }
    /// <summary>Those that point at this version.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }
    public required TaskKind Task { get; init; }
    /// <summary>Key of the candidate that won, such as <c>0-lightgbm</c>.</summary>
    public required string Candidate { get; init; }
    /// <summary>On the validation rows.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }
    public required ModelLineage Lineage { get; init; }
    public required string RunId { get; init; }
    public required string DefinitionId { get; init; }
    public required DateTimeOffset Created { get; init; }
    /// <summary>The version of another storage account that it is a copy of; left out for one that a run here registered.</summary>
    public CopiedFrom? From { get; init; }
    /// <summary>What callers send and what the model was trained on.</summary>
    public Signature? Signature { get; init; }
    public required IReadOnlyDictionary<string, string> Links { get; init; }

    public static VersionView Of(ModelVersion version, RegisteredModel model) => new()
    {
        Model = version.Model,
        Version = version.Version,
        Aliases = [.. model.Aliases.Where(alias => alias.Value == version.Version).Select(alias => alias.Key).Order(StringComparer.Ordinal)],
        Task = version.Task,
        Candidate = version.Candidate,
        Metrics = version.Metrics,
        Lineage = version.Lineage,
        RunId = version.RunId,
        DefinitionId = version.DefinitionId,
        Created = version.Created,
        From = version.From,
        Links = new Dictionary<string, string> { ["self"] = Views.Links.Version(version.Model, version.Version), ["run"] = Views.Links.Run(version.RunId) },
    };
}

/// <summary>The body of <c>PUT /models/{name}/aliases/{alias}</c>.</summary>
/// <param name="Version">The version to point at.</param>
public sealed record AliasRequest(int Version);

/// <summary>The body of <c>POST /models/{name}/rollback</c>.</summary>
/// <param name="From">The version that is to leave production; the header <c>If-Match</c> may name it instead.</param>
public sealed record RollbackRequest(int? From);
