using MlOps.Pipeline.Definitions;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Which models have a definition, asked for once a look. Those that have none are asked about at every look while they are few, and the more there are the
/// more rarely, so that files which wait for a definition cost an idle host next to nothing.
/// </summary>
/// <param name="definitions">The definitions.</param>
/// <param name="pause">How long to wait before so many models are asked about again.</param>
/// <param name="time">The clock.</param>
internal sealed class DefinedModels(DefinitionStore definitions, Func<int, TimeSpan> pause, TimeProvider time)
{
    private readonly HashSet<string> defined = new(StringComparer.Ordinal);
    private readonly HashSet<string> undefined = new(StringComparer.Ordinal);
    private long firstAsked;

    /// <summary>Begins a look: what was defined may not be any more, and what was not is asked about again when it is time.</summary>
    public void BeginLook()
    {
        defined.Clear();
        if (undefined.Count > 0 && time.GetElapsedTime(firstAsked) >= pause(undefined.Count))
        {
            undefined.Clear();
        }
    }

    /// <summary>Whether the model was asked about a moment ago, and had none.</summary>
    public bool Lacks(string model) => undefined.Contains(model);

    public async ValueTask<bool> HasAsync(string model, CancellationToken cancel)
    {
        if (defined.Contains(model) || undefined.Contains(model))
        {
            return defined.Contains(model);
        }
        if (undefined.Count == 0)
        {
            firstAsked = time.GetTimestamp();
        }
        var has = await definitions.FindTimeAsync(model, cancel) is not null;
        (has ? defined : undefined).Add(model);
        return has;
    }
}
