using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing.Scenarios;

/// <summary>A process that dies after it has written so often: from then on nothing of it reaches storage.</summary>
public sealed class Dying(int writes) : HttpPipelineSynchronousPolicy
{
    private int seen;

    public bool IsDead => Volatile.Read(ref seen) > writes;

    public PipelineStorage Storage(AzuriteFixture azurite)
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        blobs.AddPolicy(this, HttpPipelinePosition.PerCall);
        tables.AddPolicy(this, HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString, tables));
    }

    public override void OnSendingRequest(HttpMessage message)
    {
        var isRead = message.Request.Method == RequestMethod.Get || message.Request.Method == RequestMethod.Head;
        if (isRead ? IsDead : Interlocked.Increment(ref seen) > writes)
        {
            throw new ProcessDiedException();
        }
    }
}

/// <summary>What no code expects, as no code sees its own end.</summary>
public sealed class ProcessDiedException : Exception
{
    public ProcessDiedException() : base("The process is dead, says the test.") { }

    public ProcessDiedException(string message) : base(message) { }

    public ProcessDiedException(string message, Exception innerException) : base(message, innerException) { }
}
