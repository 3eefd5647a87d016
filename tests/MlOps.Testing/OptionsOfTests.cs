using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;

namespace MlOps.Testing;

public static class OptionsOfTests
{
    /// <summary>Changes what the host uses of its machine. The work folder stays the host's own, which deletes it.</summary>
    public static IServiceCollection ChangeOptions(this IServiceCollection services, Func<PipelineOptions, PipelineOptions> change)
    {
        var now = (PipelineOptions)services.Last(service => service.ServiceType == typeof(PipelineOptions)).ImplementationInstance!;
        return services.AddSingleton(change(now));
    }
}
