using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>What a trained model is a function of: its name is a hash of it, so that the same again is found, not trained.</summary>
/// <param name="Train">Id of the training rows.</param>
/// <param name="Validation">Id of the validation rows, which its metrics are measured on.</param>
/// <param name="Spec">The candidate.</param>
/// <param name="Featurizer">What was fitted before it.</param>
/// <param name="Seed">The seed.</param>
/// <param name="TrainerVersion">Version of a trainer of the host; null when it is built in.</param>
internal sealed record ModelIdentity(string Train, string Validation, CandidateSpec Spec, Featurizer Featurizer, long Seed, string? TrainerVersion)
{
    /// <summary>As names of stored models have always spelt them.</summary>
    private static readonly Dictionary<string, string> Spellings = new()
    {
        [TrainerNames.LightGbm] = "lightGbm",
        [TrainerNames.FastTree] = "fastTree",
        [TrainerNames.FastForest] = "fastForest",
    };

    /// <summary>Parts of the training rows of which each is held out once; 0: none.</summary>
    public int Folds { get; init; }

    /// <summary>The metric that is largest by the threshold; null: the featurizer has the threshold.</summary>
    public string? ThresholdMetric { get; init; }

    /// <summary>Where the model's record is, without its ending.</summary>
    public string BlobName => "models/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)))[..32];

    /// <summary>What is hashed.</summary>
    public string Text => Json.Write(
        new
        {
            format = 1,
            train = Train,
            validation = Validation,
            spec = SpecText,
            featurizer = Featurizer,
            seed = Seed,
            trainerVersion = TrainerVersion,
            folds = Folds == 0 ? null : (int?)Folds,
            thresholdMetric = ThresholdMetric,
        });

    private JsonNode SpecText
    {
        get
        {
            var spec = JsonNode.Parse(Json.Write(Spec with { Trainer = Spellings.GetValueOrDefault(Spec.Trainer, Spec.Trainer), Options = null }))!.AsObject();
            // Whether it is trained, not what comes of it.
            spec.Remove("maxClasses");
            if (Spec.Options is { Values: { Count: > 0 } options })
            {
                spec["options"] = new JsonObject(options.OrderBy(option => option.Key, StringComparer.Ordinal)
                    .Select(option => KeyValuePair.Create(option.Key, (JsonNode?)option.Value)));
            }
            return spec;
        }
    }
}
