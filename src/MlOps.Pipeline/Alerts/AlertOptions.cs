namespace MlOps.Pipeline.Alerts;

/// <summary>Where alerts go; from the host's settings only.</summary>
public sealed record AlertOptions
{
    /// <summary>The incoming webhook of a Slack channel: a secret, never logged nor stored. Null: alerts are kept on their run and not sent.</summary>
    public Uri? SlackWebhookUrl { get; init; }

    /// <summary>Where the same events are sent as JSON, signed. Null: nowhere.</summary>
    public WebhookTarget? Webhook { get; init; }

    /// <summary>What links in messages start with, such as <c>https://mlops.example.com</c>.</summary>
    public Uri BaseUrl { get; init; } = new("http://127.0.0.1:7071");

    /// <summary>Longest time that one alert may take, retries and pauses included: what a dead Slack costs a run.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Longest time to wait for one answer. A message without an answer is not sent again: it may have arrived.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Pause before the second attempt, about doubled for every further one, unless Slack names one (Retry-After).</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Attempts in all.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>Says nothing of the webhooks: records print their members.</summary>
    public override string ToString() =>
        $"{nameof(AlertOptions)} {{ Slack = {SlackWebhookUrl is not null}, Webhook = {Webhook is not null}, BaseUrl = {BaseUrl} }}";
}
