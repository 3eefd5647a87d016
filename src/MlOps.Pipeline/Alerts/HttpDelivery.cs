using Polly.CircuitBreaker;
using Polly.Timeout;

namespace MlOps.Pipeline.Alerts;

/// <summary>Sends one message over HTTP, and says in a sentence why it was not taken. An address may be a secret: it is in no sentence.</summary>
internal static class HttpDelivery
{
    /// <summary>Null when it was taken, else why not. Never throws, but when <paramref name="cancel"/> is.</summary>
    /// <param name="who">Who is to take it, for the sentence.</param>
    /// <param name="send">Sends it.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<string?> SendAsync(string who, Func<CancellationToken, Task<HttpResponseMessage>> send, CancellationToken cancel)
    {
        try
        {
            using var answer = await send(cancel);
            return answer.IsSuccessStatusCode ? null : $"{who} answered {(int)answer.StatusCode}.";
        }
        catch (Exception fault) when (fault is TimeoutRejectedException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return $"{who} did not answer in time; the message may have arrived all the same.";
        }
        catch (BrokenCircuitException)
        {
            return $"{who} failed for the alerts before this one, so it was not asked again yet.";
        }
        catch (HttpRequestException fault)
        {
            return $"{who} could not be reached ({fault.HttpRequestError}).";
        }
        catch (Exception fault) when (fault is InvalidOperationException or NotSupportedException)
        {
            return "The webhook of the settings is no http address.";
        }
    }
}
