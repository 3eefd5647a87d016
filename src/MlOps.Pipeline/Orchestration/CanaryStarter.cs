using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>Starts runs that bring a version that there is into production by way of a canary.</summary>
public sealed class CanaryStarter(ModelRegistry registry, ModelTraffic traffic, DefinitionStore definitions, RunStarter starter)
{
    /// <param name="model">The model's name.</param>
    /// <param name="version">The version that is to go into production.</param>
    /// <param name="wish">How, where it is not as the definition says.</param>
    /// <param name="trigger">What started it: see <see cref="Run.Trigger"/>.</param>
    /// <param name="cancel">Stops the start, not the run.</param>
    /// <exception cref="InputException">
    /// There is nothing in production that it could follow, it does not take the same rows, nothing is kept that it could be judged by, or the plan is none.
    /// </exception>
    public async Task<Run> StartAsync(string model, int version, CanaryWish wish, string trigger, CancellationToken cancel)
    {
        var found = await registry.FindAsync(model, cancel) ?? throw new InputException($"Model '{model}' has no registered version.");
        if (found.Production is not { } production)
        {
            throw new InputException($"Model '{model}' has no version in production that version {version} could share requests with. Promote it: "
                + $"PUT /models/{model}/aliases/production.");
        }
        if (found.Traffic is { } split)
        {
            throw new InputException($"The requests of model '{model}' are shared out already ({split}). End that first: DELETE /models/{model}/traffic.");
        }
        await traffic.CheckAsync(model, version, production, cancel);
        var definition = await definitions.RequireAsync(model, cancel);
        if (!definition.Monitor.Log)
        {
            throw new InputException($"Model '{model}' keeps nothing of what it answers (monitor.log is false), so that no version can be judged by it.");
        }
        var request = new RunRequest(model, string.Create(CultureInfo.InvariantCulture, $"models/{model}/versions/{version}"), trigger)
        {
            Goal = RunGoal.Canary,
            Canary = new CanaryOrder(version, production, PlanOf(wish, definition.Traffic)),
        };
        return await starter.StartAsync(request, definition, cancel);
    }

    private static CanaryPlan PlanOf(CanaryWish wish, TrafficRules rules)
    {
        var hold = wish.Hold ?? rules.Hold;
        // Whoever wishes for longer steps is not refused for a patience that nobody named.
        var patience = wish.Patience ?? (rules.Patience > hold ? rules.Patience : hold);
        var plan = new CanaryPlan(wish.Steps ?? (rules.Steps.Count > 0 ? rules.Steps : TrafficRules.UsualSteps), hold, patience);
        return plan.Problems("").ToList() is { Count: > 0 } problems ? throw new InputException(problems) : plan;
    }
}

/// <summary>What a person asks for of a canary; what is left out is as the definition says.</summary>
/// <param name="Steps">See <see cref="CanaryPlan.Steps"/>.</param>
/// <param name="Hold">See <see cref="CanaryPlan.Hold"/>.</param>
/// <param name="Patience">See <see cref="CanaryPlan.Patience"/>.</param>
public sealed record CanaryWish(IReadOnlyList<int>? Steps = null, TimeSpan? Hold = null, TimeSpan? Patience = null);
