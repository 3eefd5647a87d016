using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

[CollectionDefinition(AzuriteFixture.Collection)]
public sealed class SharesAzurite : ICollectionFixture<AzuriteFixture>;
