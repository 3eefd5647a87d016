namespace MlOps.Pipeline.Definitions;

/// <summary>Names of the trainers that are built in; a host may add its own.</summary>
public static class TrainerNames
{
    public const string LightGbm = "lightgbm";
    public const string FastTree = "fasttree";
    public const string FastForest = "fastforest";
    public const string Sdca = "sdca";

    public static IReadOnlyList<string> BuiltIn { get; } = [LightGbm, FastTree, FastForest, Sdca];
}
