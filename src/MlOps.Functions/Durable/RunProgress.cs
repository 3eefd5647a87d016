using System.Globalization;

namespace MlOps.Functions.Durable;

/// <summary>
/// The states of a run's stages in the order they began, as the instance's custom status shows them. Parts of a table are only counted: a
/// status may have 16 KB, and a table thousands of parts.
/// </summary>
public sealed class RunProgress
{
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";

    private readonly OrderedDictionary<string, string> stages = [];
    private readonly Dictionary<string, (int Begun, int Done, int Failed)> parts = [];

    /// <summary>By stage, or <c>stage key</c> where a run has several of a stage.</summary>
    public IReadOnlyDictionary<string, string> Stages => stages;

    public void Set(string stage, string key, string state)
    {
        if (int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            stages[stage] = Count(stage, state);
        }
        else
        {
            stages[key.Length == 0 ? stage : $"{stage} {key}"] = state;
        }
    }

    private string Count(string stage, string state)
    {
        var (begun, done, failed) = parts.GetValueOrDefault(stage);
        var now = (Begun: begun + (state == Running ? 1 : 0), Done: done + (state == Succeeded ? 1 : 0), Failed: failed + (state == Failed ? 1 : 0));
        parts[stage] = now;
        return $"{now.Done} of {now.Begun} parts{(now.Failed > 0 ? $", {now.Failed} failed" : "")}";
    }
}
