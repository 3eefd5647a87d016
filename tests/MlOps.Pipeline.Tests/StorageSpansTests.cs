using System.Diagnostics;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class StorageSpansTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task What_is_asked_of_storage_is_told_without_names_of_blobs_and_keys_of_rows()
    {
        var blobs = new BlobServiceClient(azurite.ConnectionString, StorageSpans.AddTo(new BlobClientOptions()));
        var tables = new TableServiceClient(azurite.ConnectionString, StorageSpans.AddTo(new TableClientOptions()));
        using var spans = new RunSpans();
        using var work = new Activity("work").Start();

        await blobs.GetBlobContainerClient("raw").GetBlobClient("m/secret.csv").ExistsAsync();
        await tables.GetTableClient("runs").GetEntityIfExistsAsync<TableEntity>("secret", "secret");
        await blobs.GetBlobContainerClient("no-such-container").GetBlobClient("secret").ExistsAsync();

        var told = spans.Ended.Where(span => span.ParentSpanId == work.SpanId).ToList();
        told.Select(span => (span.DisplayName, span.Kind, span.GetTagItem("http.response.status_code"), span.Status)).Should().Equal(
            ("HEAD raw", ActivityKind.Client, 404, ActivityStatusCode.Unset),
            ("GET runs", ActivityKind.Client, 404, ActivityStatusCode.Unset),
            ("HEAD no-such-container", ActivityKind.Client, 404, ActivityStatusCode.Unset));
        told.SelectMany(span => span.TagObjects).Select(tag => tag.Value?.ToString()).Should().NotContain(value => value!.Contains("secret"));
        told.Select(span => span.GetTagItem(Telemetry.Container)).Should().Equal("raw", "runs", "no-such-container");
    }

    [Fact]
    public async Task What_is_part_of_nothing_makes_no_span()
    {
        var blobs = new BlobServiceClient(azurite.ConnectionString, StorageSpans.AddTo(new BlobClientOptions()));
        using var spans = new RunSpans();
        Activity.Current = null;

        await blobs.GetBlobContainerClient("looked-at-by-nobody").ExistsAsync();

        spans.Ended.Should().NotContain(span => span.DisplayName.Contains("looked-at-by-nobody"));
    }
}
