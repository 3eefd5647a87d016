using System.Text.RegularExpressions;

namespace MlOps.Pipeline.Contracts;

/// <summary>Names of feature functions, trainers, checks and alert channels: they stand in definitions, stored models, metrics and SQL.</summary>
public static partial class ExtensionNames
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "1 to 40 lower-case letters, digits, '-' and '_', beginning with a letter";

    internal const string Pattern = "^[a-z][a-z0-9_-]{0,39}$";

    public static bool IsValid(string name) => Valid().IsMatch(name);

    /// <summary>What a host adds of one kind, by name.</summary>
    /// <param name="added">The additions.</param>
    /// <param name="nameOf">The name of one.</param>
    /// <param name="kind">What one is, such as <c>trainer</c>.</param>
    /// <param name="builtIn">Names that are taken.</param>
    /// <exception cref="InputException">A name is none, or is taken; all problems are listed.</exception>
    internal static IReadOnlyDictionary<string, T> Index<T>(IEnumerable<T> added, Func<T, string> nameOf, string kind, IEnumerable<string> builtIn)
        where T : notnull
    {
        var taken = builtIn.ToDictionary(name => name, _ => "it is built in", StringComparer.OrdinalIgnoreCase);
        var byName = new Dictionary<string, T>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var one in added)
        {
            var name = nameOf(one);
            if (!IsValid(name))
            {
                problems.Add($"{one.GetType().Name} is called '{name}'; the name of a {kind} must be {Rule}.");
            }
            else if (!taken.TryAdd(name, $"{one.GetType().Name} has it"))
            {
                problems.Add($"{one.GetType().Name} cannot be the {kind} '{name}': {taken[name]}. Give it another name.");
            }
            else
            {
                byName.Add(name, one);
            }
        }
        return problems.Count == 0 ? byName : throw new InputException(problems);
    }

    [GeneratedRegex(Pattern)]
    private static partial Regex Valid();
}
