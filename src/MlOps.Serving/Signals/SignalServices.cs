using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>Registers what looks at windows of live rows; who lets it look is a trigger.</summary>
internal static class SignalServices
{
    public static IServiceCollection AddSignals(this IServiceCollection services) => services
        .AddSingleton(host => new SignalSources(
            host.GetRequiredService<ArtifactStore>(), host.GetRequiredService<FeatureFunctions>(), host.GetRequiredService<DuckDb>(),
            host.GetRequiredService<PipelineOptions>()))
        .AddSingleton(host => new SignalSet(host.GetRequiredService<ILogger<SignalSet>>()))
        .AddSingleton(host => new WindowReader(
            host.GetRequiredService<PredictionLogReader>(), host.GetRequiredService<FeedbackStore>(), host.GetRequiredService<LiveDrift>(),
            host.GetRequiredService<SignalSources>()))
        .AddSingleton(host => new LiveDriftChecker(
            host.GetRequiredService<WindowReader>(), host.GetRequiredService<SignalSet>(), host.GetRequiredService<LiveDriftStore>(),
            host.GetRequiredService<AlertSender>(), host.GetRequiredService<ReportRenderer>()));
}
