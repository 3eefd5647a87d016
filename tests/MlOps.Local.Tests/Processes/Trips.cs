using MlOps.Local.Demo;
using MlOps.Pipeline.Definitions;

namespace MlOps.Local.Tests.Processes;

/// <summary>A small table and definition for whole runs.</summary>
internal static class Trips
{
    /// <summary>The first rows of the sample table.</summary>
    public static async Task<string> WriteAsync(string folder, int rows, string name = "trips.csv")
    {
        var whole = Path.Combine(folder, $"{Guid.NewGuid():N}.csv");
        await SampleTrips.WriteAsync(whole, drifted: false, CancellationToken.None);
        var file = Path.Combine(folder, name);
        await File.WriteAllLinesAsync(file, File.ReadLines(whole).Take(rows + 1));
        File.Delete(whole);
        return file;
    }

    /// <summary>Writes a definition for <c>train --definition</c>: an inferred one has several candidates of many trees.</summary>
    public static async Task<string> WriteDefinitionAsync(string folder, string model, int trees = 10)
    {
        var file = Path.Combine(folder, "definition.json");
        await File.WriteAllTextAsync(file, DefinitionJson.Write(Definition(model, trees)));
        return file;
    }

    /// <summary>Without folds, which would train everything six times.</summary>
    public static PipelineDefinition Definition(string model, int trees = 10) => new()
    {
        Model = model,
        Target = "fare",
        Columns = new Dictionary<string, ColumnRule> { ["trip_id"] = new() { Ignore = true } },
        Train = new TrainRules { Folds = 0 },
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = trees, EarlyStopping = 0 }],
    };
}
