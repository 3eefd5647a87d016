using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline;

/// <summary>Adds a host's own feature functions, trainers, checks and alert channels.</summary>
public static class MlOpsServices
{
    /// <summary>
    /// Adds to what is built in; the same in the local host and in the Functions app, before or after their own services, and as often as wanted.
    /// Names must be free: the host does not start otherwise.
    /// </summary>
    public static IServiceCollection AddMlOps(this IServiceCollection services, Action<MlOpsBuilder> configure)
    {
        configure(new MlOpsBuilder(services));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, StartCheck>());
        return services;
    }

    /// <summary>Makes the catalogs, which refuse names that are none or are taken, before anybody works with them.</summary>
    private sealed class StartCheck(IServiceProvider services) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            services.GetRequiredService<KnownExtensions>();
            services.GetRequiredService<AlertSender>();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>
/// What <see cref="MlOpsServices.AddMlOps"/> adds. One object of each serves the whole process, from many threads at once; its constructor is given
/// what it asks for from the host's services.
/// </summary>
public sealed class MlOpsBuilder
{
    internal MlOpsBuilder(IServiceCollection services) => Services = services;

    /// <summary>The host's services, for what the additions need.</summary>
    public IServiceCollection Services { get; }

    /// <summary>A function that computes features; a definition uses it under <c>features.custom</c>.</summary>
    public MlOpsBuilder AddFeatureFunction<T>()
        where T : class, IFeatureFunction => Add<IFeatureFunction, T>();

    /// <inheritdoc cref="AddFeatureFunction{T}()"/>
    public MlOpsBuilder AddFeatureFunction(IFeatureFunction function) => Add(function);

    /// <summary>A learning algorithm; a definition uses it as a candidate's <c>trainer</c>.</summary>
    public MlOpsBuilder AddTrainer<T>()
        where T : class, ITrainer => Add<ITrainer, T>();

    /// <inheritdoc cref="AddTrainer{T}()"/>
    public MlOpsBuilder AddTrainer(ITrainer trainer) => Add(trainer);

    /// <summary>A check before promotion; a definition uses it under <c>gates.checks</c>.</summary>
    public MlOpsBuilder AddCheck<T>()
        where T : class, IPromotionCheck => Add<IPromotionCheck, T>();

    /// <inheritdoc cref="AddCheck{T}()"/>
    public MlOpsBuilder AddCheck(IPromotionCheck check) => Add(check);

    /// <summary>A channel that every alert goes through, beside Slack.</summary>
    public MlOpsBuilder AddAlert<T>()
        where T : class, IAlertChannel => Add<IAlertChannel, T>();

    /// <inheritdoc cref="AddAlert{T}()"/>
    public MlOpsBuilder AddAlert(IAlertChannel channel) => Add(channel);

    private MlOpsBuilder Add<TService, T>()
        where TService : class
        where T : class, TService
    {
        Services.AddSingleton<TService, T>();
        return this;
    }

    private MlOpsBuilder Add<TService>(TService instance)
        where TService : class
    {
        Services.AddSingleton(instance);
        return this;
    }
}
