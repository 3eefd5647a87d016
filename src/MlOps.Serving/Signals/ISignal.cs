using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>Something that is watched of a model that serves: one class, and a line in <see cref="SignalSet"/>.</summary>
internal interface ISignal
{
    /// <summary>One of <see cref="SignalNames"/>.</summary>
    string Name { get; }

    /// <summary>What becomes of it by a definition.</summary>
    SignalMode ModeOf(PipelineDefinition definition);

    /// <summary>Looks at a window; the same window gives the same result.</summary>
    /// <exception cref="InputException">Nothing can be said; the sentence says why.</exception>
    Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel);
}
