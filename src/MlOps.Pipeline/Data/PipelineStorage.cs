using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace MlOps.Pipeline.Data;

/// <summary>The Azure Storage account that holds everything: data and artifacts in blobs, runs and registry in tables.</summary>
public sealed class PipelineStorage(BlobServiceClient blobs, TableServiceClient tables)
{
    /// <summary>Uploaded raw files, <c>{model}/{file}</c>; what lands here starts ingestion.</summary>
    public BlobContainerClient Raw { get; } = blobs.GetBlobContainerClient("raw");

    /// <summary>Dropped files that no run could read, each with its error beside it.</summary>
    public BlobContainerClient Quarantine { get; } = blobs.GetBlobContainerClient("quarantine");

    /// <summary>Dataset versions: manifests and Parquet parts.</summary>
    public BlobContainerClient Datasets { get; } = blobs.GetBlobContainerClient("datasets");

    /// <summary>Pipeline definitions: the current one of each model and every snapshot a run used.</summary>
    public BlobContainerClient Definitions { get; } = blobs.GetBlobContainerClient("definitions");

    /// <summary>Files that runs keep: models, signatures, feature lists.</summary>
    public BlobContainerClient Artifacts { get; } = blobs.GetBlobContainerClient("artifacts");

    /// <summary>Rows that were predicted, <c>{model}/{yyyy}/{MM}/{dd}/{HH}/{host}-….jsonl</c>, a line each.</summary>
    public BlobContainerClient Predictions { get; } = blobs.GetBlobContainerClient("predictions");

    /// <summary>Blob leases of the embedded engine, one per run.</summary>
    public BlobContainerClient Leases { get; } = blobs.GetBlobContainerClient("leases");

    /// <summary>One row per run: partition model, row run id.</summary>
    public TableClient Runs { get; } = tables.GetTableClient("runs");

    /// <summary>What runs logged: partition run id, row <c>kind|name</c>.</summary>
    public TableClient RunRecords { get; } = tables.GetTableClient("runrecords");

    /// <summary>The model registry: partition model; rows for the head, the versions and the history of aliases.</summary>
    public TableClient Models { get; } = tables.GetTableClient("models");

    /// <summary>Small marks that triggers keep, such as the last time a schedule fired: partition kind.</summary>
    public TableClient Marks { get; } = tables.GetTableClient("marks");

    /// <summary>Who may call: partition <c>key</c>, a row an access key; partition <c>signing</c>, what cookies are signed with.</summary>
    public TableClient Keys { get; } = tables.GetTableClient("keys");

    /// <summary>Who decided what: one partition, newest first.</summary>
    public TableClient Audit { get; } = tables.GetTableClient("audit");

    /// <summary>Where things are found that would else be looked for among all: partition kind. Each is written before what it leads to.</summary>
    public TableClient Indexes { get; } = tables.GetTableClient("indexes");

    /// <summary>Which dataset versions a model has had, and the names that people gave them: partition model.</summary>
    public TableClient DataVersions { get; } = tables.GetTableClient("dataversions");

    /// <summary>What came true of predictions: partition <c>{model}|{yyyyMMddHH}</c>, a row a prediction or key.</summary>
    public TableClient Feedback { get; } = tables.GetTableClient("feedback");

    /// <summary>Creates the containers and tables that do not exist yet; safe to call from many hosts at once.</summary>
    public async Task EnsureCreatedAsync(CancellationToken cancel)
    {
        foreach (var container in new[] { Raw, Quarantine, Datasets, Definitions, Artifacts, Predictions, Leases })
        {
            await container.CreateIfNotExistsAsync(cancellationToken: cancel);
        }
        foreach (var table in new[] { Runs, RunRecords, Models, Marks, Indexes, Keys, Audit, DataVersions, Feedback })
        {
            await table.CreateIfNotExistsAsync(cancel);
        }
    }

    /// <summary>Every table of the account, also those of others.</summary>
    public async IAsyncEnumerable<TableClient> ListTablesAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var table in tables.QueryAsync(cancellationToken: cancel))
        {
            yield return tables.GetTableClient(table.Name);
        }
    }

    /// <summary>Reads one small thing; throws when storage does not answer.</summary>
    public async Task PingAsync(CancellationToken cancel)
    {
        await Raw.ExistsAsync(cancel);
        await Models.GetEntityIfExistsAsync<TableEntity>("ping", "ping", cancellationToken: cancel);
    }
}
