using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Starts runs that drift, decay or new rows ask for, as often as a definition allows (<c>runOn.coolDown</c>, <c>runOn.perDay</c>). Schedules and new files
/// are a person's word and do not count.
/// </summary>
public sealed class SelfStartedRuns(RunStarter starter, RunStore runs, TimeProvider time)
{
    private const int Page = 100;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <inheritdoc cref="RunStarter.FindDefaultSourceAsync"/>
    public Task<RunSource> FindDefaultSourceAsync(string model, CancellationToken cancel) => starter.FindDefaultSourceAsync(model, cancel);

    /// <summary>Starts a run; one that is there already is started again, which does nothing once it is under way.</summary>
    /// <param name="request">The run, with its id and reason.</param>
    /// <param name="rules">What the definition allows.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <exception cref="InputException">It may not start now, or there is nothing to run on.</exception>
    public async Task<Run> StartAsync(RunRequest request, TriggerRules rules, CancellationToken cancel)
    {
        if (await runs.FindAsync(request.RunId!, cancel) is null)
        {
            await CheckAsync(request.Model, rules, cancel);
        }
        return await starter.StartAsync(request, cancel);
    }

    private async Task CheckAsync(string model, TriggerRules rules, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var farthest = now - (rules.CoolDown > Day ? rules.CoolDown.Value : Day);
        var recent = rules is { CoolDown: null, PerDay: null } ? [] : await ListAsync(model, farthest, cancel);
        if (rules.CoolDown is { } coolDown && recent is [var newest, ..] && newest.Created + coolDown > now)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"Run {newest.RunId} has started by itself at {newest.Created.UtcDateTime:u}, and runOn.coolDown is {coolDown}: the next may start at "
                    + $"{(newest.Created + coolDown).UtcDateTime:u}."));
        }
        if (rules.PerDay is { } most && recent.Count(run => run.Created > now - Day) is var count && count >= most)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture, $"{count} runs have started by themselves within 24 hours, and runOn.perDay is {most}."));
        }
    }

    /// <summary>Runs of the model that have started by themselves since a time, newest first.</summary>
    private async Task<IReadOnlyList<Run>> ListAsync(string model, DateTimeOffset since, CancellationToken cancel)
    {
        var found = new List<Run>();
        for (string? next = null; ;)
        {
            var page = await runs.ListAsync(model, Page, next, cancel);
            found.AddRange(page.Items.Where(run => run.Created >= since && run.Trigger is RunTriggers.Drift or RunTriggers.Decay or RunTriggers.Rows));
            if (page.Next is null || page.Items[^1].Created < since)
            {
                return found;
            }
            next = page.Next;
        }
    }
}
