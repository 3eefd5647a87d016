using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing;

/// <summary>
/// A storage account in memory in which there is nothing and nothing stays: what is read is not there, what is written is taken. It remembers what it was
/// asked for, and makes many thousands of requests possible that get as far as storage.
/// </summary>
public sealed class EmptyStorage : HttpPipelineTransport
{
    private const string Account = "https://empty.example";
    private const string NoBlobs = """<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs/><NextMarker/></EnumerationResults>""";
    private const string NoRows = """{"value":[]}""";
    private const string NotFound = """{"odata.error":{"code":"ResourceNotFound","message":{"lang":"en-US","value":"There is none."}}}""";

    private readonly ConcurrentDictionary<string, bool> asked = new(StringComparer.Ordinal);

    /// <summary>Addresses below the account, as they left, without their queries.</summary>
    public IEnumerable<string> Asked => asked.Keys;

    public PipelineStorage NewStorage() => new(
        new BlobServiceClient(new Uri(Account), new BlobClientOptions { Transport = this }),
        new TableServiceClient(
            new Uri(Account), new TableSharedKeyCredential("empty", Convert.ToBase64String(new byte[32])), new TableClientOptions { Transport = this }));

    public override Request CreateRequest() => HttpClientTransport.Shared.CreateRequest();

    public override void Process(HttpMessage message) => Answer(message);

    public override ValueTask ProcessAsync(HttpMessage message)
    {
        Answer(message);
        return default;
    }

    private void Answer(HttpMessage message)
    {
        var request = message.Request;
        var address = request.Uri.ToUri();
        // As it leaves: a Uri shows less.
        asked.TryAdd(request.Uri.ToString()[Account.Length..].Split('?')[0], true);
        var isTable = request.Headers.TryGetValue("DataServiceVersion", out _)
            || request.Headers.TryGetValue("x-ms-version", out var version) && version == "2019-02-02";
        message.Response = (request.Method.Method, isTable) switch
        {
            ("GET", true) when !address.AbsolutePath.Contains("PartitionKey=", StringComparison.Ordinal) => new Canned(200, NoRows, "application/json"),
            ("GET", true) => new Canned(404, NotFound, "application/json"),
            ("GET", _) when address.Query.Contains("comp=list", StringComparison.Ordinal) => new Canned(200, NoBlobs, "application/xml"),
            ("GET" or "HEAD", _) when address.Query.Contains("restype=container", StringComparison.Ordinal) => new Canned(200, "", "text/plain"),
            ("GET" or "HEAD", _) => new Canned(404, "", "text/plain"),
            ("DELETE", false) => new Canned(404, "", "text/plain"),
            (_, true) => new Canned(204, "", "application/json"),
            _ => new Canned(201, "", "application/xml"),
        };
        message.Response.ClientRequestId = request.ClientRequestId;
    }

    private sealed class Canned(int status, string body, string type) : Response
    {
        private readonly Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase)
        {
            ["Content-Type"] = type,
            ["Content-Length"] = $"{Encoding.UTF8.GetByteCount(body)}",
            ["ETag"] = "\"0x1\"",
            ["Last-Modified"] = "Thu, 01 Jan 2026 00:00:00 GMT",
        };

        public override int Status => status;

        public override string ReasonPhrase => "";

        public override Stream? ContentStream { get; set; } = new MemoryStream(Encoding.UTF8.GetBytes(body));

        public override string ClientRequestId { get; set; } = "";

        public override void Dispose()
        {
        }

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value) => headers.TryGetValue(name, out value);

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = headers.TryGetValue(name, out var value) ? [value] : null;
            return values is not null;
        }

        protected override bool ContainsHeader(string name) => headers.ContainsKey(name);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => headers.Select(header => new HttpHeader(header.Key, header.Value));
    }
}
