using ArchUnitNET.Domain;
using ArchUnitNET.Loader;

namespace MlOps.Architecture.Tests;

/// <summary>The projects and their folders, as the compiled types use each other.</summary>
internal static class House
{
    /// <summary>Every project, bottom to top, each with its folders, bottom to top: a folder uses none above it.</summary>
    public static IReadOnlyList<Floor> Floors { get; } =
    [
        new("MlOps.Explain", [], []),
        new("MlOps.Explain.MLNet", ["MlOps.Explain"], []),
        new("MlOps.Drift", [], ["Profiles", "Statistics"]),
        new(
            "MlOps.Pipeline",
            ["MlOps.Explain", "MlOps.Explain.MLNet", "MlOps.Drift"],
            [
                "Contracts", "Data", "Reading", "Definitions", "Features", "Profiling", "Tracking", "Registry", "OpenLineage", "Scoring", "Training", "Alerts",
                "Reports",
                "Stages",
                "Orchestration",
                "Doctor",
                "Versions",
                "Deletion",
            ]),
        new("MlOps.Serving", ["MlOps.Drift", "MlOps.Pipeline"], ["Models", "Monitoring", "Feedback", "Signals", "Lineage", "Predictions", "Triggers"]),
        new("MlOps.Web", ["MlOps.Drift", "MlOps.Pipeline", "MlOps.Serving"], ["Answers", "Access", "OpenApi", "Views", "Protocols", "Dashboard"]),
        new("MlOps.Functions", ["MlOps.Drift", "MlOps.Pipeline", "MlOps.Serving", "MlOps.Web"], ["Durable", "Triggers", "Hosting"]),
        new("MlOps.Local", ["MlOps.Drift", "MlOps.Pipeline", "MlOps.Serving", "MlOps.Web"], ["Storage", "Engine", "Triggers", "Hosting", "Demo", "Cli"]),
    ];

    private static readonly Lazy<IReadOnlyList<Arrow>> Read = new(ReadArrows);

    /// <summary>One type that uses another, of the house or of somebody else's.</summary>
    public static IReadOnlyList<Arrow> Arrows => Read.Value;

    private static IReadOnlyList<Arrow> ReadArrows()
    {
        var assemblies = Floors.Select(floor => System.Reflection.Assembly.Load(floor.Project)).ToArray();
        var architecture = new ArchLoader().LoadAssemblies(assemblies).Build();
        var projects = Floors.Select(floor => floor.Project).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. from type in architecture.Types
               where projects.Contains(ProjectOf(type)) && !IsCoverage(type)
               from dependency in type.Dependencies
               where dependency.Target.FullName != type.FullName && !IsCoverage(dependency.Target)
               select new Arrow(PlaceOf(type), PlaceOf(dependency.Target)),
        ];
    }

    // Parameters of generic types have neither a namespace nor an assembly.
    private static Place PlaceOf(IType type) => new(ProjectOf(type), type.Namespace?.FullName ?? "", type.FullName);

    // Where coverage is measured, each assembly has a counter that is not of the house.
    private static bool IsCoverage(IType type) => type.FullName.StartsWith("Microsoft.CodeCoverage.", StringComparison.Ordinal);

    private static string ProjectOf(IType type) => (type.Assembly?.Name ?? "").Split(',')[0];
}

/// <summary>A project, what it may use, and its folders.</summary>
/// <param name="Project">Its name.</param>
/// <param name="May">The projects of the house that it may use.</param>
/// <param name="Folders">Its folders, bottom to top; what stands beside them is above all.</param>
internal sealed record Floor(string Project, IReadOnlyList<string> May, IReadOnlyList<string> Folders)
{
    /// <summary>Place of a namespace's folder in the order; types of the project's own namespace are at the top.</summary>
    public int? LevelOf(string name)
    {
        if (name == Project || name.Length == 0)
        {
            return Folders.Count;
        }
        var folder = name.StartsWith(Project + ".", StringComparison.Ordinal) ? name[(Project.Length + 1)..].Split('.')[0] : null;
        var place = Folders.TakeWhile(known => known != folder).Count();
        return place < Folders.Count ? place : null;
    }
}

/// <summary>A type and where it is.</summary>
internal sealed record Place(string Project, string Folder, string Type);

/// <summary>A use of one type by another.</summary>
internal sealed record Arrow(Place From, Place To)
{
    public override string ToString() => $"{From.Type} → {To.Type}";
}
