using System.Text.Json;

namespace MlOps.Serving.Feedback;

/// <summary>What a shadow would have answered, beside what callers were answered.</summary>
/// <param name="Version">The shadow.</param>
/// <param name="Asked">Rows that callers were answered.</param>
/// <param name="Answered">Rows of these that the shadow answered too.</param>
/// <param name="Failed">Rows that it could not answer.</param>
/// <param name="Dropped">Rows that it was not asked: more waited than fit, or their host ended. Those of the last moment may still come.</param>
public sealed record ShadowReport(int Version, long Asked, long Answered, long Failed, long Dropped)
{
    /// <summary>Classes: the share of rows that got another label; left out for numbers.</summary>
    public double? Disagreement { get; init; }

    /// <summary>
    /// Numbers: the shadow's prediction less the answer; two classes: its probability less the answer's. Left out for several classes, and without rows.
    /// </summary>
    public Differences? Differences { get; init; }

    /// <summary>Classes: which labels became which, the commonest first.</summary>
    public IReadOnlyList<LabelPair>? Labels { get; init; }

    /// <summary>The rows whose answers are farthest apart.</summary>
    public IReadOnlyList<ShadowedRow> Largest { get; init; } = [];

    /// <summary>Why these rows have no SHAP values; left out where they have.</summary>
    public string? NotExplained { get; init; }
}

/// <summary>How differences are distributed.</summary>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their standard deviation.</param>
/// <param name="Least">The smallest.</param>
/// <param name="P5">One in twenty is below.</param>
/// <param name="P25">One in four is below.</param>
/// <param name="P50">Half are below.</param>
/// <param name="P75">One in four is above.</param>
/// <param name="P95">One in twenty is above.</param>
/// <param name="Most">The largest.</param>
public sealed record Differences(double Mean, double Deviation, double Least, double P5, double P25, double P50, double P75, double P95, double Most);

/// <summary>Rows that callers were answered one label, and the shadow would have given another.</summary>
public sealed record LabelPair(string Answered, string Shadow, long Rows);

/// <summary>A row with both answers.</summary>
/// <param name="Id">The prediction's id.</param>
/// <param name="Version">The version that answered.</param>
/// <param name="Answered">What the caller was answered.</param>
/// <param name="Shadow">What the shadow would have.</param>
/// <param name="Difference">How far they are apart: of numbers the difference, of two classes that of the probabilities, of several 1.</param>
/// <param name="Features">The row.</param>
public sealed record ShadowedRow(string Id, int Version, string? Answered, string? Shadow, double Difference, JsonElement Features)
{
    /// <summary>What each feature added to the answer (SHAP values).</summary>
    public IReadOnlyDictionary<string, double>? AnsweredBecause { get; init; }

    /// <summary>What each feature added to the shadow's.</summary>
    public IReadOnlyDictionary<string, double>? ShadowBecause { get; init; }
}
