using MlOps.Testing;

namespace MlOps.Web.Tests;

[CollectionDefinition(AzuriteFixture.Collection)]
public sealed class SharesAzurite : ICollectionFixture<AzuriteFixture>;
