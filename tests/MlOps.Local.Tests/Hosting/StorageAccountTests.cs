using MlOps.Local.Hosting;

namespace MlOps.Local.Tests.Hosting;

public sealed class StorageAccountTests
{
    [Theory]
    [InlineData("https://acme.blob.core.windows.net", "https://acme.table.core.windows.net/")]
    [InlineData("https://acme.blob.core.windows.net/", "https://acme.table.core.windows.net/")]
    [InlineData("https://acme.z12.blob.storage.azure.net", "https://acme.z12.table.storage.azure.net/")]
    [InlineData("https://acme.blob.core.usgovcloudapi.net", "https://acme.table.core.usgovcloudapi.net/")]
    public void An_accounts_tables_are_beside_its_blobs(string blobs, string tables)
    {
        var endpoints = StorageAccount.EndpointsOf(blobs);

        endpoints.Should().Be((new Uri(blobs), new Uri(tables)));
    }

    [Theory]
    [InlineData("UseDevelopmentStorage=true")]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;BlobEndpoint=https://a.blob.core.windows.net")]
    [InlineData("nonsense")]
    public void What_is_no_address_is_left_to_be_a_connection_string(string storage) => StorageAccount.EndpointsOf(storage).Should().BeNull();

    [Theory]
    [InlineData("http://acme.blob.core.windows.net", "a token would go over the wire in clear")]
    [InlineData("https://acme.queue.core.windows.net", "it is another service")]
    [InlineData("https://acme.blob.core.windows.net/raw", "it is a container")]
    [InlineData("https://acme.blob.core.windows.net?sv=1&sig=x", "it is a shared access signature")]
    public void Any_other_address_is_refused(string storage, string because)
    {
        var read = () => StorageAccount.EndpointsOf(storage);

        read.Should().Throw<FormatException>(because).WithMessage("*https://NAME.blob.core.windows.net*");
    }
}
