using MlOps.Testing;

namespace MlOps.Functions.Tests;

[CollectionDefinition(AzuriteFixture.Collection)]
public sealed class SharesAzurite : ICollectionFixture<AzuriteFixture>;
