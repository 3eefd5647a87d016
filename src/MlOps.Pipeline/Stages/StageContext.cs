using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages;

/// <summary>The run that a stage is a step of: what it may know of it, and where it tells how it goes.</summary>
/// <param name="runId">The run.</param>
/// <param name="key">Tells calls of the same stage apart, such as a candidate; empty for the only one.</param>
/// <param name="definitionId">The snapshot of the definition that the run uses.</param>
/// <param name="definitions">Where it is.</param>
/// <param name="runs">Where the run's records are.</param>
/// <param name="log">The stage's log on its run; null: it has none.</param>
public sealed class StageContext(string runId, string key, string definitionId, DefinitionStore definitions, RunStore runs, StageLog? log = null)
{
    private const int MostWarnings = 50;
    private const int LongestWarning = 500;
    private const int LongestName = 200;

    /// <summary>Of all as JSON: they stand with the rest of the stage's account in one property of a table's row, which takes 32,768.</summary>
    private const int MostCharacters = 24_000;

    private readonly List<Warning> warnings = [];

    public string RunId => runId;

    /// <summary>Name of the run's model.</summary>
    public string Model { get; } = Tracking.RunId.ModelOf(runId) ?? throw new ArgumentException($"'{runId}' is no run id.", nameof(runId));

    public string Key => key;

    public string DefinitionId => definitionId;

    /// <summary>What the user should know although the stage went on: headlines first, at most fifty and one that stands for the rest, shortened.</summary>
    public IReadOnlyList<Warning> Warnings
    {
        get
        {
            lock (warnings)
            {
                return Warning.Cap([.. warnings.OrderByDescending(warning => warning.Headline)], MostWarnings, MostCharacters);
            }
        }
    }

    /// <summary>The snapshot of the pipeline definition that the run uses.</summary>
    /// <exception cref="InputException">It is gone.</exception>
    public Task<PipelineDefinition> GetDefinitionAsync(CancellationToken cancel) => definitions.GetSnapshotAsync(definitionId, cancel);

    /// <summary>Adds a line to the stage's log on its run: what it has read, chosen, come to. Few, in plain words, and no cells of the data.</summary>
    public void Log(FormattableString line) => log?.Write(LogLevel.Information, FormattableString.Invariant(line));

    /// <summary>Tells the user something although the stage goes on. A table of thousands of odd columns does not outgrow the record.</summary>
    public void Warn(Warning warning)
    {
        var text = warning.Text;
        var told = text.Length <= LongestWarning ? warning : warning with { Text = string.Concat(text.AsSpan(0, LongestWarning), " …") };
        told = told.Column is { Length: > LongestName } name ? told with { Column = string.Concat(name.AsSpan(0, LongestName), "…") } : told;
        log?.Write(LogLevel.Warning, told.Text);
        lock (warnings)
        {
            warnings.Add(told);
        }
    }

    /// <inheritdoc cref="Warn(Warning)"/>
    public void Warn(string code, string warning) => Warn(new Warning(code, warning));

    /// <inheritdoc cref="Warn(Warning)"/>
    public void Warn(IEnumerable<Warning> several)
    {
        foreach (var warning in several)
        {
            Warn(warning);
        }
    }

    /// <inheritdoc cref="Warn(Warning)"/>
    public void Warn(string code, IEnumerable<string> several) => Warn(several.Select(text => new Warning(code, text)));

    /// <summary>Shows numbers on the run, also while the stage is at work; the same name again replaces the number.</summary>
    public Task LogMetricsAsync(IReadOnlyDictionary<string, double> metrics, CancellationToken cancel) => runs.LogMetricsAsync(runId, metrics, cancel);

    /// <summary>Shows on the run what a stage chose or was told to use.</summary>
    public Task LogParamsAsync(IReadOnlyDictionary<string, string> parameters, CancellationToken cancel) => runs.LogParamsAsync(runId, parameters, cancel);
}
