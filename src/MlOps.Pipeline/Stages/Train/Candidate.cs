using System.Globalization;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Train;

/// <summary>What is trained.</summary>
/// <param name="Key">Its name in the run.</param>
/// <param name="Spec">What the definition says.</param>
/// <param name="Added">The trainer, where it is a user's own.</param>
/// <param name="Seed">The definition's seed.</param>
/// <param name="Folds">Parts of the training rows of which each is held out once; 0: the rows are too many for that, or it is not wanted.</param>
internal sealed record Candidate(string Key, CandidateSpec Spec, ITrainer? Added, long Seed, int Folds)
{
    /// <summary>The metric that is to be largest by the threshold; null: the threshold is declared.</summary>
    public string? ThresholdMetric { get; init; }

    public int TrainerSeed => (int)(Seed % int.MaxValue);

    /// <summary>What the run logs of it.</summary>
    public Dictionary<string, string> Params()
    {
        var parameters = new Dictionary<string, string> { [$"{Key}.trainer"] = Spec.Trainer };
        if (Added is not null)
        {
            parameters[$"{Key}.version"] = Added.Version;
            foreach (var option in (Spec.Options ?? ExtensionOptions.None).Values)
            {
                parameters[$"{Key}.{option.Key}"] = option.Value;
            }
            return parameters;
        }
        if (Spec.Trainer == TrainerNames.Sdca)
        {
            parameters[$"{Key}.l2"] = Spec.L2?.ToString("R", CultureInfo.InvariantCulture) ?? "auto";
            parameters[$"{Key}.iterations"] = Spec.Iterations?.ToString(CultureInfo.InvariantCulture) ?? "auto";
            return parameters;
        }
        parameters[$"{Key}.trees"] = Spec.Trees.ToString(CultureInfo.InvariantCulture);
        parameters[$"{Key}.leaves"] = Spec.Leaves.ToString(CultureInfo.InvariantCulture);
        parameters[$"{Key}.min_rows_per_leaf"] = Spec.MinRowsPerLeaf.ToString(CultureInfo.InvariantCulture);
        if (Spec.Trainer != TrainerNames.FastForest)
        {
            parameters[$"{Key}.rate"] = Spec.Rate.ToString("R", CultureInfo.InvariantCulture);
            parameters[$"{Key}.early_stopping"] = Spec.EarlyStopping.ToString(CultureInfo.InvariantCulture);
        }
        return parameters;
    }
}
