using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;
using Xunit;

namespace MlOps.Testing;

/// <summary>
/// One real Azurite in a temporary folder, for all tests of an assembly: the assembly defines a collection named <see cref="Collection"/> with
/// this fixture. Tests share it, so each uses model names of its own (<see cref="UniqueModel"/>).
/// </summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    public const string Collection = "Azurite";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-azurite-").FullName;
    private AzuriteProcess? azurite;

    public string ConnectionString => azurite!.ConnectionString;

    public async Task InitializeAsync()
    {
        azurite = await AzuriteProcess.StartAsync(folder, Console.Error.WriteLine, CancellationToken.None);
        await NewStorage().EnsureCreatedAsync(CancellationToken.None);
    }

    /// <summary>New clients of the shared storage.</summary>
    public PipelineStorage NewStorage() => new(new BlobServiceClient(ConnectionString), new TableServiceClient(ConnectionString));

    /// <summary>A valid model name that no other test uses.</summary>
    public static string UniqueModel(string prefix = "model") => $"{prefix}-{Guid.NewGuid().ToString("N")[..10]}";

    public async Task DisposeAsync()
    {
        if (azurite is not null)
        {
            await azurite.DisposeAsync();
        }
        Directory.Delete(folder, recursive: true);
    }
}
