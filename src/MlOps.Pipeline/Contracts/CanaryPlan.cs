namespace MlOps.Pipeline.Contracts;

/// <summary>How a version is let at a model's requests, step by step, before it goes into production.</summary>
/// <param name="Steps">Its share of the requests in percent, 1 to 99, rising; after the last it goes into production.</param>
/// <param name="Hold">How long each step lasts at least.</param>
/// <param name="Patience">How long a step may last while what must be shown is not shown yet; then the version is taken out. At least <paramref
/// name="Hold"/>.</param>
public sealed record CanaryPlan(IReadOnlyList<int> Steps, TimeSpan Hold, TimeSpan Patience)
{
    /// <summary>Most steps.</summary>
    public const int MostSteps = 10;

    /// <summary>Most times that a step is judged: each leaves its rows on the run.</summary>
    private const int MostLooks = 100;

    /// <summary>How often a step is judged at most, patience over at the last.</summary>
    public int Looks => 1 + (int)Math.Ceiling((Patience - Hold) / Pause);

    /// <summary>Time to a judgement: the hold, and again as long while nothing is shown; longer where patience would take more than a hundred.</summary>
    /// <param name="look">Which one, from 1.</param>
    public TimeSpan Until(int look) => look == 1 ? Hold : Pause;

    private TimeSpan Pause => TimeSpan.FromTicks(Math.Max(Hold.Ticks, ((Patience - Hold).Ticks + MostLooks - 2) / (MostLooks - 1)));

    /// <summary>What there is to say against it.</summary>
    /// <param name="place">Before the names of what is wrong, such as <c>traffic.</c></param>
    public IEnumerable<string> Problems(string place)
    {
        if (Steps.Count > MostSteps)
        {
            yield return $"{place}steps are {Steps.Count}; {MostSteps} are the most.";
        }
        if (Steps.Any(step => step is < 1 or > 99) || Steps.Zip(Steps.Skip(1)).Any(pair => pair.First >= pair.Second))
        {
            yield return $"{place}steps are [{string.Join(", ", Steps)}]; they must be percents from 1 to 99 that rise, such as [5, 25]. After the last the "
                + "version goes into production.";
        }
        if (Patience < Hold)
        {
            yield return $"{place}patience is {Patience}, and {place}hold {Hold}: a step cannot be over before it may be.";
        }
    }
}

/// <summary>A version that is to go into production by way of a canary.</summary>
/// <param name="Version">The version.</param>
/// <param name="Production">The version that it is to follow: when another is in production by then, it does not.</param>
/// <param name="Plan">How; null: as the definition says.</param>
public sealed record CanaryOrder(int Version, int Production, CanaryPlan? Plan = null);
