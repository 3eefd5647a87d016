using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>A feature function of the host, as definitions see it.</summary>
public sealed record KnownFunction(string Name, int Inputs);

/// <summary>A trainer of the host, as definitions see it.</summary>
public sealed record KnownTrainer(string Name, IReadOnlyCollection<TaskKind> Tasks, IReadOnlyCollection<string> Options);

/// <summary>A check of the host, as definitions see it.</summary>
public sealed record KnownCheck(string Name, IReadOnlyCollection<string> Options);

/// <summary>What definitions may name on this host beside what is built in.</summary>
public sealed record KnownExtensions(
    IReadOnlyCollection<KnownFunction> Functions, IReadOnlyCollection<KnownTrainer> Trainers, IReadOnlyCollection<KnownCheck> Checks)
{
    public static KnownExtensions None { get; } = new([], [], []);

    /// <exception cref="InputException">A definition names what this host does not have; every problem is listed.</exception>
    public void Check(PipelineDefinition definition)
    {
        var problems = ProblemsOf(definition).ToList();
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    /// <summary>What a definition names that this host does not have, or cannot be used so.</summary>
    internal IEnumerable<string> ProblemsOf(PipelineDefinition definition) =>
    [
        .. definition.Features.Custom.SelectMany((feature, i) => ProblemsOf($"features.custom[{i}]", feature)),
        .. definition.Candidates.SelectMany((candidate, i) => ProblemsOf($"candidates[{i}]", candidate, definition.Task)),
        .. definition.Gates.Checks.SelectMany((check, i) => ProblemsOf($"gates.checks[{i}]", check)),
    ];

    private IEnumerable<string> ProblemsOf(string path, CustomFeature feature)
    {
        if (Functions.FirstOrDefault(known => known.Name == feature.Function) is not { } function)
        {
            yield return $"{path}.function is '{feature.Function}', which this host does not have"
                + NearestName.Ending(feature.Function, [.. Functions.Select(known => known.Name)]);
        }
        else if (function.Inputs != feature.Inputs.Count)
        {
            yield return $"{path}.inputs names {feature.Inputs.Count} columns; the function '{function.Name}' takes {function.Inputs}.";
        }
    }

    private IEnumerable<string> ProblemsOf(string path, CandidateSpec candidate, TaskKind? task)
    {
        if (TrainerNames.BuiltIn.Contains(candidate.Trainer))
        {
            return candidate.Options is { Values.Count: > 0 }
                ? [$"{path}.options: the trainer '{candidate.Trainer}' takes none; its keys stand beside 'trainer'."]
                : [];
        }
        if (Trainers.FirstOrDefault(known => known.Name == candidate.Trainer) is not { } trainer)
        {
            return
            [
                $"{path}.trainer is '{candidate.Trainer}', which this host does not have"
                    + NearestName.Ending(candidate.Trainer, [.. TrainerNames.BuiltIn, .. Trainers.Select(known => known.Name)])
            ];
        }
        IEnumerable<string> misfit = task is { } declared && !trainer.Tasks.Contains(declared)
            ? [$"{path}.trainer is '{trainer.Name}', which cannot do the task {DefinitionNames.Tasks.NameOf(declared)}."]
            : [];
        return misfit.Concat(Unknown(path, candidate.Options, trainer.Options));
    }

    private IEnumerable<string> ProblemsOf(string path, CheckRule rule) => Checks.FirstOrDefault(known => known.Name == rule.Check) is { } check
        ? Unknown(path, rule.Options, check.Options)
        : [$"{path} is '{rule.Check}', which this host does not have{NearestName.Ending(rule.Check, [.. Checks.Select(known => known.Name)])}"];

    private static IEnumerable<string> Unknown(string path, ExtensionOptions? given, IReadOnlyCollection<string> known) =>
        (given ?? ExtensionOptions.None).Values.Keys.Where(name => !known.Contains(name)).Select(name => $"{path}.options.{name} is not known"
            + NearestName.Ending(name, known));
}
