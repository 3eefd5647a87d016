using Microsoft.Extensions.DependencyInjection;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>The scenarios of every engine, on Durable Task with its history in memory.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class InMemoryScenarios(AzuriteFixture azurite) : EngineScenarios(azurite)
{
    protected override async Task<EngineUnderTest> StartAsync(Action<IServiceCollection>? configure = null) =>
        await DurableHost.StartAsync(Azurite, Backends.InMemory(), configure);
}

/// <summary>The scenarios of every engine, on Durable Task with its history in Azure Storage, as Durable Functions has it by default.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class AzureStorageScenarios(AzuriteFixture azurite) : EngineScenarios(azurite)
{
    protected override async Task<EngineUnderTest> StartAsync(Action<IServiceCollection>? configure = null) =>
        await DurableHost.StartAsync(Azurite, await Backends.AzureStorageAsync(Azurite), configure);
}
