using System.Security.Cryptography;
using System.Text;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tests.Definitions;

/// <summary>
/// What is written of a definition is stored, and its identity names snapshots and runs: neither changes from release to release, but for keys
/// that are added, which the identity leaves out where they are the default.
/// </summary>
public sealed class DefinitionTextTests
{
    private const string Trips = """
        {
          "model": "trips",
          "target": "fare",
          "task": "regression",
          "threshold": 0.5,
          "owner": "the demo",
          "intendedUse": "Estimate of a taxi fare before the trip",
          "limits": "Generated data of one imagined city, January to April 2026",
          "columns": {
            "distance_km": {
              "kind": "numeric",
              "min": 0,
              "max": 100
            },
            "duration_min": {
              "kind": "numeric",
              "min": 0,
              "max": 300,
              "impute": "median"
            },
            "passengers": {
              "kind": "numeric",
              "min": 1,
              "max": 8
            },
            "payment": {
              "kind": "categorical",
              "required": false
            },
            "trip_id": "ignore",
            "vendor": "categorical"
          },
          "cleaning": {
            "maxDropped": 0.5
          },
          "features": {
            "interactions": [
              [
                "duration_min",
                "distance_km"
              ]
            ],
            "ratios": [],
            "logs": [
              "distance_km"
            ],
            "dateParts": [
              "pickup_time"
            ],
            "required": [],
            "maxCategories": 100
          },
          "split": {
            "validation": 0.2,
            "seed": 42
          },
          "train": {
            "folds": 5,
            "foldsBelow": 20000
          },
          "candidates": [
            {
              "trainer": "lightgbm",
              "trees": 100,
              "leaves": 31,
              "rate": 0.1,
              "minRowsPerLeaf": 20,
              "earlyStopping": 20
            },
            {
              "trainer": "fasttree",
              "trees": 50,
              "leaves": 31,
              "rate": 0.1,
              "minRowsPerLeaf": 20,
              "earlyStopping": 20
            }
          ],
          "gates": {
            "metric": "rmse",
            "atMost": 3,
            "betterBy": 0,
            "drift": "block",
            "driftShare": 0.5,
            "approval": {
              "required": false
            }
          },
          "runOn": {
            "newFile": true,
            "overlap": "queue",
            "drift": false
          },
          "monitor": {
            "log": true,
            "drift": true,
            "every": "01:00:00",
            "minRows": 500
          }
        }
        """;

    [Fact]
    public void The_sample_is_written_in_full_and_in_order() =>
        DefinitionJson.Write(DefinitionJson.Read(Samples.Read("trips.json"))).Should().Be(Trips);

    [Fact]
    public void Identities_stay_what_they_are()
    {
        HashOf("""{ "model": "m", "target": "y" }""").Should().Be("a9732a3f79d44a4a073c0298538333e0c768c88456d5e75b990b39a2daff4357");
        HashOf(Samples.Read("trips.json")).Should().Be("f4b68a0ab850b59dd9570ff047b3ffe97327fddbe4ce128df4d363ae7a660a0c");
        HashOf(Samples.OfReadme()).Should().Be("00ccea0ad8ed80f9a040171146fd67ba4f6c2978fc72f3e99ef8bc3fa08ec95f");

        static string HashOf(string json) => Hash(DefinitionJson.WriteIdentity(DefinitionJson.Read(json)));
    }

    [Fact]
    public void Texts_and_identities_of_three_hundred_definitions_stay_what_they_are()
    {
        var random = new RandomDefinitions(seed: 1);
        var definitions = Enumerable.Range(0, 300).Select(_ => random.Next()).ToList();

        Hash(string.Concat(definitions.Select(DefinitionJson.WriteIdentity))).Should().Be("734dcbb8869867e7d627e08fbfe2f5a6865f4c986195c9c5a631e1e3d6c07926");
        Hash(string.Concat(definitions.Select(DefinitionJson.Write))).Should().Be("6329c81f2ee5abbd4a0e02a7e7162779eb91509e034ed4f619cedd7aeeae9670");
    }

    [Fact]
    public void What_is_written_reads_back_to_the_same_text()
    {
        var random = new RandomDefinitions(seed: 2);
        foreach (var written in Enumerable.Range(0, 300).Select(_ => DefinitionJson.Write(random.Next())))
        {
            DefinitionJson.Write(DefinitionJson.Read(written)).Should().Be(written);
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
