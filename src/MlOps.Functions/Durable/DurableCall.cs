using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;

namespace MlOps.Functions.Durable;

/// <summary>
/// What acts on runs within one call of a function. The host binds its client to each call, so the engine and all that is made of it live as
/// long as the call does.
/// </summary>
/// <param name="services">The call's own services.</param>
public sealed class DurableCall(IServiceProvider services)
{
    private DurableTaskClient? client;

    /// <exception cref="InvalidOperationException">The function does not bind a client.</exception>
    public DurableTaskClient Client =>
        client ?? throw new InvalidOperationException("This function has no durable client: give it a parameter [DurableClient] and bind it.");

    public void Bind(DurableTaskClient bound) => client = bound;

    /// <summary>Gives a service that acts on runs, with the client that the host bound.</summary>
    public T Get<T>(DurableTaskClient bound)
        where T : notnull
    {
        Bind(bound);
        return services.GetRequiredService<T>();
    }
}
