using MlOps.Testing;

namespace MlOps.Serving.Tests;

[CollectionDefinition(AzuriteFixture.Collection)]
public sealed class SharesAzurite : ICollectionFixture<AzuriteFixture>;
