using MlOps.Pipeline.Data;

namespace MlOps.Web;

/// <summary>Whether storage answers, asked at most once a second however many want to know.</summary>
/// <param name="storage">The storage.</param>
/// <param name="options">How long it may take.</param>
/// <param name="time">The clock.</param>
public sealed class HealthProbe(PipelineStorage storage, WebOptions options, TimeProvider time)
{
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);

    private readonly Lock changing = new();
    private (Task<string?> Answer, long Asked)? last;

    /// <summary>What is wrong with storage, in a sentence; null when it answers.</summary>
    public Task<string?> FindProblemAsync()
    {
        lock (changing)
        {
            var now = time.GetTimestamp();
            if (last is not { } known || (known.Answer.IsCompleted && time.GetElapsedTime(known.Asked, now) >= FreshFor))
            {
                // Whoever asks first may hang up; the others still want to know.
                last = known = (AskAsync(), now);
            }
            return known.Answer;
        }
    }

    private static string CodeOf(Azure.RequestFailedException refused) => refused.ErrorCode is { Length: > 0 } code ? $" ({code})" : "";

    private async Task<string?> AskAsync()
    {
        using var impatient = new CancellationTokenSource(options.HealthTimeout);
        try
        {
            await storage.PingAsync(impatient.Token);
            return null;
        }
        catch (Exception) when (impatient.IsCancellationRequested)
        {
            return $"storage: no answer within {options.HealthTimeout.TotalSeconds:0.#} s. Check that it runs and that its connection string is right.";
        }
        catch (Exception fault)
        {
            var reason = fault is Azure.RequestFailedException { Status: > 0 } refused
                ? $"it answered {refused.Status}{CodeOf(refused)}"
                : "it could not be reached";
            return $"storage: {reason}. Check its connection string and this host's rights.";
        }
    }
}
