namespace MlOps.Serving.Triggers;

/// <summary>Something that starts runs by itself.</summary>
public interface ITrigger
{
    /// <summary>Time between two looks.</summary>
    TimeSpan Interval { get; }

    /// <summary>Looks once, and starts what there is to start.</summary>
    Task LookAsync(CancellationToken cancel);
}
