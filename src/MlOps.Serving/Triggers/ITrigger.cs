namespace MlOps.Serving.Triggers;

/// <summary>Something that looks by itself whether there is something to do, such as a run to start.</summary>
public interface ITrigger
{
    /// <summary>Time between two looks.</summary>
    TimeSpan Interval { get; }

    /// <summary>Looks once, and does what there is to do.</summary>
    Task LookAsync(CancellationToken cancel);
}
