using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;

namespace MlOps.Pipeline.Stages.Canary;

/// <param name="Order">Which version.</param>
/// <param name="Promote">True: into production; false: out.</param>
/// <param name="Reason">Why.</param>
public sealed record CanaryEndInput(CanaryOrder Order, bool Promote, string Reason);

/// <param name="Promoted">True when it is in production.</param>
/// <param name="Reason">Why not, or why.</param>
public sealed record CanaryEndOutput(bool Promoted, string Reason) : IStageOutput
{
    public StageReport Report { get; } = new();

    /// <summary>Why it is not in production; nothing when it is.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<Reason> BlockedBy => Promoted ? [] : [new Reason("canary: " + Reason, GateKind.Canary)];
}

/// <summary>Ends a canary: the version goes into production, or production answers everything again.</summary>
public sealed class CanaryEndStage(ModelRegistry registry, ModelTraffic traffic) : IStage<CanaryEndInput, CanaryEndOutput>
{
    public static string Name => "canary-end";

    public async Task<CanaryEndOutput> RunAsync(StageContext context, CanaryEndInput input, CancellationToken cancel)
    {
        var (version, production) = (input.Order.Version, input.Order.Production);
        if (!input.Promote)
        {
            await traffic.EndOfRunAsync(context.Model, context.RunId, cancel);
            return new CanaryEndOutput(Promoted: false, input.Reason);
        }
        if ((await registry.PromoteAsync(context.Model, version, production, context.RunId, cancel)).Promoted)
        {
            return new CanaryEndOutput(Promoted: true, input.Reason);
        }
        await traffic.EndOfRunAsync(context.Model, context.RunId, cancel);
        return new CanaryEndOutput(Promoted: false, $"version {production}, which version {version} was to follow, is not in production any more");
    }
}
