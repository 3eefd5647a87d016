using System.IO.Compression;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Scoring;

/// <summary>A model as it stands in blob storage: <c>model.zip</c> (ML.NET), <c>featurizer.json</c>, <c>signature.json</c> and
/// <c>training_features.txt</c>.</summary>
internal sealed record StoredModel(ITransformer Transformer, Featurizer Featurizer, Signature Signature)
{
    /// <summary>Size of the files that it was loaded from.</summary>
    public long Bytes { get; init; }

    public const string ModelFile = "model.zip";
    public const string FeaturizerFile = "featurizer.json";
    public const string SignatureFile = "signature.json";
    public const string FeatureListFile = "training_features.txt";

    /// <summary>The first that a zip archive can tell.</summary>
    private static readonly DateTimeOffset FirstTimeOfZip = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Each context looks through ML.NET's assemblies again before it loads its first model, which takes longer than loading.</summary>
    private static readonly MLContext Loading = new();

    public static IReadOnlyList<string> Files { get; } = [ModelFile, FeaturizerFile, SignatureFile, FeatureListFile];

    /// <summary>A model of ML.NET as <see cref="Zip"/> writes it.</summary>
    public static ITransformer Load(BinaryData zip)
    {
        using var stream = zip.ToStream();
        return Loading.Model.Load(stream, out _);
    }

    /// <summary>Loads a model afresh from its artifacts.</summary>
    /// <exception cref="InputException">One of them is not the one that was stored.</exception>
    public static async Task<StoredModel> LoadAsync(ArtifactStore artifacts, ModelFiles model, CancellationToken cancel)
    {
        var files = await Task.WhenAll(new[] { ModelFile, FeaturizerFile, SignatureFile }.Select(file => model.ReadAsync(artifacts, file, cancel)));
        return new StoredModel(Load(files[0]), Stored.Read<Featurizer>(files[1].ToString()), Json.Read<Signature>(files[2].ToString()))
        {
            Bytes = files.Sum(file => (long)file.ToMemory().Length),
        };
    }

    /// <summary>Content of every file of a model.</summary>
    public static IReadOnlyDictionary<string, BinaryData> Contents(MLContext ml, ITransformer transformer, Featurizer featurizer)
    {
        return new Dictionary<string, BinaryData>
        {
            [ModelFile] = Zip(ml, transformer, featurizer),
            [FeaturizerFile] = BinaryData.FromString(Json.Write(featurizer)),
            [SignatureFile] = BinaryData.FromString(System.Text.Json.JsonSerializer.Serialize(featurizer.Signature, Json.Indented)),
            [FeatureListFile] = BinaryData.FromString(string.Join('\n', featurizer.Signature.Features.Select(feature => feature.Name)) + "\n"),
        };
    }

    /// <summary>A model of ML.NET over the featurizer's columns.</summary>
    public static BinaryData Zip(MLContext ml, ITransformer transformer, Featurizer featurizer)
    {
        using var zip = new MemoryStream();
        ml.Model.Save(transformer, FeatureView.SchemaOf(featurizer), zip);
        RemoveTimes(zip);
        return BinaryData.FromBytes(zip.ToArray());
    }

    /// <summary>The same model is the same bytes, whenever it was saved.</summary>
    private static void RemoveTimes(MemoryStream zip)
    {
        using var archive = new ZipArchive(zip, ZipArchiveMode.Update, leaveOpen: true);
        foreach (var entry in archive.Entries)
        {
            entry.LastWriteTime = FirstTimeOfZip;
        }
    }
}
