using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MlOps.Pipeline.OpenLineage;

internal static class OpenLineageServices
{
    /// <summary>Adds events of runs; a host that has a receiver adds its <see cref="OpenLineageOptions"/> too.</summary>
    public static IServiceCollection AddOpenLineage(this IServiceCollection services)
    {
        services.TryAddSingleton(new OpenLineageOptions());
        services.AddHttpClient(LineageSender.ClientName)
            // The factory's own loggers write the address of every request, in which a secret may stand.
            .RemoveAllLoggers()
            .ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false });
        return services.AddSingleton<LineageOutbox>().AddSingleton<LineageEvents>().AddSingleton<LineageSender>();
    }
}
