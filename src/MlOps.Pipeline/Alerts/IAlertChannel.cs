using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>
/// A way to tell people what became of a run or of the rows that a model serves. Every alert goes through every channel, at most once each: what a
/// channel did not take, or did not answer in time, is not sent to it again. What goes wrong in one stops neither the others nor the run.
/// </summary>
public interface IAlertChannel
{
    /// <summary>Its name on runs: 1 to 40 lower-case letters, digits, <c>-</c> and <c>_</c>, beginning with a letter.</summary>
    string Name { get; }

    /// <summary>Why it sends nothing, such as a setting that is missing: one sentence, kept on the alert. Null when it sends.</summary>
    string? OffBecause => null;

    /// <summary>
    /// Sends an alert. Called from several threads at once, by each host for the runs that it works on. What it throws counts as not sent; the
    /// exception is logged, and only its type is kept on the alert.
    /// </summary>
    /// <param name="alert">What is told.</param>
    /// <param name="subject">What it is about, with names, numbers and a link.</param>
    /// <param name="cancel">Stops it: the host ends, or <see cref="AlertOptions.Timeout"/> is over.</param>
    /// <returns>Null when it was taken, else why not, in one sentence without secrets.</returns>
    Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel);
}
