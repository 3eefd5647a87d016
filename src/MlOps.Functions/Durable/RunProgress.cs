namespace MlOps.Functions.Durable;

/// <summary>The states of a run's stages in the order they began, as the instance's custom status shows them. Small: a status may have 16 KB.</summary>
public sealed class RunProgress
{
    public const string Running = "running";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";

    private readonly List<string> order = [];
    private readonly Dictionary<string, string> states = [];

    /// <summary>By stage, or <c>stage key</c> where a run has several of a stage.</summary>
    public IReadOnlyDictionary<string, string> Stages => order.ToDictionary(stage => stage, stage => states[stage]);

    public void Set(string stage, string key, string state)
    {
        var name = key.Length == 0 ? stage : $"{stage} {key}";
        if (states.TryAdd(name, state))
        {
            order.Add(name);
        }
        states[name] = state;
    }
}
