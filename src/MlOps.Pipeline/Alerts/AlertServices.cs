using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace MlOps.Pipeline.Alerts;

internal static class AlertServices
{
    /// <summary>Adds alerts; a host that has a webhook adds its <see cref="AlertOptions"/> too.</summary>
    public static IServiceCollection AddAlerts(this IServiceCollection services)
    {
        services.TryAddSingleton(new AlertOptions());
        foreach (var name in new[] { SlackChannel.ClientName, WebhookChannel.ClientName })
        {
            services.AddHttpClient(name)
                // The factory's own loggers write the address of every request, which is the secret.
                .RemoveAllLoggers()
                .ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan)
                .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
                .AddResilienceHandler(name, (pipeline, context) => Configure(pipeline, context.ServiceProvider.GetRequiredService<AlertOptions>()));
        }
        return services.AddSingleton<IAlertChannel, SlackChannel>().AddSingleton<WebhookChannel>().AddSingleton<AlertSender>();
    }

    private static void Configure(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, AlertOptions options)
    {
        pipeline.AddTimeout(options.Timeout);
        if (options.Attempts > 1)
        {
            pipeline.AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = options.Attempts - 1,
                Delay = options.FirstDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldRetryAfterHeader = true,
                ShouldHandle = attempt => ValueTask.FromResult(IsRefused(attempt.Outcome)),
            });
        }
        pipeline.AddCircuitBreaker(new HttpCircuitBreakerStrategyOptions
        {
            FailureRatio = 0.8,
            MinimumThroughput = 10,
            SamplingDuration = TimeSpan.FromMinutes(1),
            BreakDuration = TimeSpan.FromSeconds(30),
        });
        pipeline.AddTimeout(options.AttemptTimeout);
    }

    /// <summary>
    /// Only what a receiver surely did not take is sent again: a refusal, or a connection that never came to be. An answer that is missing may be
    /// the answer to a message that arrived.
    /// </summary>
    private static bool IsRefused(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Result.StatusCode: HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError } => true,
        { Exception: HttpRequestException { HttpRequestError: var error } } =>
            error is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
        _ => false,
    };
}
