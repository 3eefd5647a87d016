using MlOps.Testing;

// Tests start real processes and wait for what they do: side by side they would wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MlOps.Local.Tests;

[CollectionDefinition(AzuriteFixture.Collection)]
public sealed class SharesAzurite : ICollectionFixture<AzuriteFixture>;
