using MlOps.Drift;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tests.Definitions;

/// <summary>Valid definitions in which every key is given now and then; always the same ones for a seed, for hashes of them are pinned.</summary>
internal sealed class RandomDefinitions(int seed)
{
    private static readonly string[] Texts = ["a", "Ünï – \"quoted\"", "two\nlines", "<b>&amp;</b>", "", "0", "true", "日本"];

    private readonly Random random = new(seed);

    public PipelineDefinition Next()
    {
        // Multiclass came later: another draw would be another three hundred definitions.
        var task = Maybe(() => random.Next(2) == 0 ? TaskKind.Regression : TaskKind.Binary);
        var definition = new PipelineDefinition
        {
            Model = $"m{random.Next(1000)}",
            Target = "y",
            Task = task,
            Positive = MaybeText(),
            Threshold = random.NextDouble(),
            Owner = MaybeText(),
            IntendedUse = MaybeText(),
            Limits = MaybeText(),
            Columns = Many(6, i => i).ToDictionary(i => $"{(char)('h' - i)} {i}", _ => NextColumn()),
            Cleaning = new CleaningRules(random.Next(2)),
            Features = NextFeatures(),
            Split = NextSplit(),
            Candidates = [NextCandidate(), .. Many(4, _ => NextCandidate())],
            Gates = NextGates(task),
            RunOn = new TriggerRules(Maybe() ? "0 0 3 * * *" : null, Maybe(), Pick<Overlap>()),
            Monitor = Maybe() ? new MonitorRules() : NextMonitor(),
        };
        return definition.Monitor is { Log: true, Drift: true } ? definition with { RunOn = definition.RunOn with { Drift = Maybe() } } : definition;
    }

    private ColumnRule NextColumn()
    {
        var kind = Maybe(() => Pick<ColumnKind>());
        var hasNumbers = kind is null or ColumnKind.Numeric;
        return random.Next(4) switch
        {
            0 => new ColumnRule { Ignore = true },
            1 => new ColumnRule { Kind = kind },
            _ => new ColumnRule
            {
                Ignore = Maybe(),
                Kind = kind,
                Min = hasNumbers && Maybe() ? -random.NextDouble() : null,
                Max = hasNumbers && Maybe() ? random.Next(100) : null,
                Allowed = Maybe() ? Many(4, _ => NextText()) : null,
                Required = Maybe(),
                Impute = Maybe() ? NextImpute(hasNumbers) : null,
                Drift = Maybe() ? new DriftRule(hasNumbers ? Maybe(() => Pick<DriftTestKind>()) : DriftTestKind.ChiSquare, Maybe(random.NextDouble)) : null,
            },
        };
    }

    private ImputeRule NextImpute(bool hasNumbers) => (hasNumbers ? random.Next(4) : random.Next(2, 4)) switch
    {
        0 => new ImputeRule(ImputeStrategy.Mean),
        1 => new ImputeRule(ImputeStrategy.Median),
        2 => new ImputeRule(ImputeStrategy.MostFrequent),
        _ => new ImputeRule(ImputeStrategy.Constant, $"constant {random.Next()}"),
    };

    private FeatureRules NextFeatures() => new()
    {
        Interactions = Many(3, _ => new[] { NextText(), NextText() }),
        Ratios = Many(3, _ => new[] { NextText(), NextText() }),
        Logs = Many(3, _ => NextText()),
        DateParts = Many(3, _ => NextText()),
        Required = Many(3, _ => NextText()),
        MaxCategories = random.Next(1, 10_001),
    };

    private SplitRules NextSplit() => new()
    {
        Validation = (1 + random.Next(99)) / 100.0,
        Seed = random.NextInt64(1L << 53),
        Time = random.Next(3) == 0 ? NextText() : null,
    };

    private CandidateSpec NextCandidate() => new()
    {
        Trainer = TrainerNames.BuiltIn[random.Next(TrainerNames.BuiltIn.Count)],
        Trees = random.Next(1, 100_001),
        Leaves = random.Next(2, 100_001),
        Rate = 1 - random.NextDouble(),
        MinRowsPerLeaf = random.Next(1, int.MaxValue),
        EarlyStopping = random.Next(100_001),
        L2 = Maybe(random.NextDouble),
        Iterations = Maybe(() => random.Next(1, 100_001)),
        MaxMinutes = Maybe(() => 100_000 * (1 - random.NextDouble())),
    };

    private GateRules NextGates(TaskKind? task) => new()
    {
        Metric = Maybe() ? (task ?? TaskKind.Binary) == TaskKind.Binary ? "f1" : "mae" : null,
        AtMost = Maybe(() => 1 + random.NextDouble()),
        AtLeast = Maybe(random.NextDouble),
        BetterBy = random.Next(3) * 1e-12,
        Drift = Pick<DriftGate>(),
        DriftShare = random.NextDouble(),
        Approval = new ApprovalRule(Maybe(), Maybe(() => TimeSpan.FromTicks(random.NextInt64(1, TimeSpan.TicksPerDay * 20)))),
    };

    private MonitorRules NextMonitor() => new()
    {
        Log = Maybe(),
        Drift = Maybe(),
        Every = TimeSpan.FromSeconds(random.Next(60, 86_401)),
        MinRows = random.Next(1, MonitorRules.MostRows + 1),
    };

    private T[] Many<T>(int most, Func<int, T> make) => [.. Enumerable.Range(0, random.Next(most)).Select(make)];

    private string NextText() => Texts[random.Next(Texts.Length)];

    private string? MaybeText() => Maybe() ? NextText() : null;

    private bool Maybe() => random.Next(2) == 0;

    private T? Maybe<T>(Func<T> make)
        where T : struct => Maybe() ? make() : null;

    private T Pick<T>()
        where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];
}
