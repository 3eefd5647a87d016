using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>How a raw table is cleaned: the definition applied to it.</summary>
/// <param name="Definition">The definition.</param>
/// <param name="Plan">The columns that the model uses.</param>
/// <param name="SplitKey">The columns whose values decide the side of the split that a row falls on.</param>
/// <param name="KeepsEqual">Whether rows that equal an earlier one stay.</param>
internal sealed record CleanRules(PipelineDefinition Definition, FeaturePlan Plan, IReadOnlyList<string> SplitKey, bool KeepsEqual)
{
    /// <summary>From this share of the rows that were looked at on, equal rows are common.</summary>
    private const double Common = 0.01;

    public static CleanRules Of(PipelineDefinition definition, DatasetManifest raw, IReadOnlyList<string>? splitKey)
    {
        var plan = FeaturePlan.Of(definition, raw.Columns);
        var names = raw.Columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var named = splitKey ?? definition.Split.Key;
        var key = named.Count > 0 && named.All(names.Contains) ? named : plan.Key;
        var identity = raw.Notes[DatasetNotes.Identity] is { } note ? Contracts.Json.Read<RowIdentity>(note.ToJsonString()) : null;
        var keeps = definition.Cleaning.Duplicates switch
        {
            Duplicates.Keep => true,
            Duplicates.Drop => false,
            _ => identity is { HasKey: false, EqualShare: >= Common },
        };
        return new CleanRules(definition, plan, key, keeps);
    }
}
