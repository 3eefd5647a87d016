using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>The checks that the host has added.</summary>
public sealed class PromotionChecks
{
    private const int MostReasons = 3;

    private readonly IReadOnlyDictionary<string, IPromotionCheck> added;

    /// <exception cref="InputException">A name is none, or is taken.</exception>
    public PromotionChecks(IEnumerable<IPromotionCheck> added) => this.added = ExtensionNames.Index(added, check => check.Name, "check", []);

    public IEnumerable<IPromotionCheck> Added => added.Values;

    /// <summary>What each of the checks has against a candidate, in the order of the rules.</summary>
    /// <exception cref="InputException">This process does not have one of them, or an option is wrong.</exception>
    internal async Task<IReadOnlyList<(string Check, IReadOnlyList<Reason> Reasons)>> RunAsync(
        IReadOnlyList<CheckRule> rules, PromotionCandidate candidate, CancellationToken cancel)
    {
        var outcomes = new List<(string, IReadOnlyList<Reason>)>();
        foreach (var rule in rules)
        {
            if (!added.TryGetValue(rule.Check, out var check))
            {
                throw new InputException($"This host does not have the check '{rule.Check}': add it with AddMlOps.");
            }
            var found = await check.CheckAsync(candidate, rule.Options ?? ExtensionOptions.None, cancel);
            outcomes.Add((rule.Check, [.. found.Take(MostReasons).Select(text => new Reason($"{rule.Check}: {text}", GateKind.Check))]));
        }
        return outcomes;
    }
}
