using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>Compares the features a model was trained on with those of a table.</summary>
public static class SignatureCheck
{
    /// <summary>Every difference: missing, unexpected, re-typed and re-ordered features; empty when they agree.</summary>
    /// <param name="trained">Features of the model, in order.</param>
    /// <param name="given">Features of the table, in order.</param>
    public static IReadOnlyList<string> Differences(IReadOnlyList<SignatureColumn> trained, IReadOnlyList<SignatureColumn> given)
    {
        var problems = new List<string>();
        var givenKinds = given.ToDictionary(column => column.Name, column => column.Kind, StringComparer.Ordinal);
        var trainedNames = trained.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var column in trained)
        {
            if (!givenKinds.TryGetValue(column.Name, out var kind))
            {
                problems.Add($"Feature '{column.Name}' is missing in the data.");
            }
            else if (kind != column.Kind)
            {
                problems.Add($"Feature '{column.Name}' is {DefinitionNames.Kinds.NameOf(kind)} in the data, but the model was trained on "
                    + $"{DefinitionNames.Kinds.NameOf(column.Kind)}.");
            }
        }
        problems.AddRange(given.Where(column => !trainedNames.Contains(column.Name)).Select(
            column => $"Feature '{column.Name}' is in the data, but the model was not trained on it."));

        var shared = trained.Where(column => givenKinds.ContainsKey(column.Name)).Select(column => column.Name).ToList();
        var order = given.Where(column => trainedNames.Contains(column.Name)).Select(column => column.Name).ToList();
        problems.AddRange(shared.Zip(order).Select((pair, i) => (pair.First, pair.Second, i)).Where(pair => pair.First != pair.Second)
            .Select(pair => $"Feature '{pair.First}' stands at place {pair.i + 1} in the model, where the data has '{pair.Second}'."));
        return problems;
    }
}
