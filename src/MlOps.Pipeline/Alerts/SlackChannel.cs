using System.Net.Http.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace MlOps.Pipeline.Alerts;

/// <summary>Sends messages to the webhook of the settings. Its address is in no log and no exception that leaves here.</summary>
public sealed class SlackChannel(IHttpClientFactory clients, AlertOptions options) : IAlertChannel
{
    /// <summary>The HTTP client's name, for the factory.</summary>
    public const string ClientName = "slack";

    public string Name => "slack";

    public string? OffBecause => options.SlackWebhookUrl is null ? "No Slack webhook is set." : null;

    /// <summary>Null when Slack took the message, else why not. Never throws, but when <paramref name="cancel"/> is.</summary>
    public async Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        try
        {
            using var http = clients.CreateClient(ClientName);
            using var answer = await http.PostAsJsonAsync(options.SlackWebhookUrl, SlackMessage.Of(alert, subject, options.BaseUrl), Json.Options, cancel);
            return answer.IsSuccessStatusCode ? null : $"Slack answered {(int)answer.StatusCode}.";
        }
        catch (Exception fault) when (fault is TimeoutRejectedException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return "Slack did not answer in time; the message may have arrived all the same.";
        }
        catch (BrokenCircuitException)
        {
            return "Slack failed for the alerts before this one, so it was not asked again yet.";
        }
        catch (HttpRequestException fault)
        {
            return $"Slack could not be reached ({fault.HttpRequestError}).";
        }
        catch (InvalidOperationException)
        {
            return "The webhook of the settings is no http address.";
        }
        catch (NotSupportedException)
        {
            return "The webhook of the settings is no http address.";
        }
    }
}
