using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class RawApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_file_is_stored_as_it_is_and_can_be_named_as_a_runs_source()
    {
        await DeclareAsync();
        var content = Encoding.UTF8.GetBytes("x,y\n1,2\n");

        using var response = await PutAsync("donn%C3%A9es%20(2).csv", new ByteArrayContent(content));
        var (etag, location) = (response.Headers.ETag, response.Headers.Location);
        var body = await Task.FromResult(response).ShouldBeAsync(HttpStatusCode.Created);

        body.ToJsonString(HttpAssertions.Relaxed).Should().Be(
            $$"""
            {"source":"raw/{{Model}}/données (2).csv","bytes":8,"sha256":"{{Convert.ToHexStringLower(SHA256.HashData(content))}}",
            "runs":"/pipelines/{{Model}}/runs"}
            """.ReplaceLineEndings(""));
        etag.Should().NotBeNull();
        location.Should().Be($"/raw/{Model}/donn%C3%A9es%20%282%29.csv");
        (await Host.Storage.Raw.GetBlobClient($"{Model}/données (2).csv").DownloadContentAsync()).Value.Content.ToArray().Should().Equal(content);
        await Client.PostJsonAsync($"/pipelines/{Model}/runs", $"{{\"source\": {body["source"]!.ToJsonString()}}}").ShouldBeAsync(HttpStatusCode.Accepted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_beyond_every_body_limit_is_streamed(bool lengthAnnounced)
    {
        const int Bytes = 40_000_000;
        var before = GC.GetTotalAllocatedBytes();

        var body = await PutAsync("big.csv", new GeneratedContent(Bytes, lengthAnnounced)).ShouldBeAsync(HttpStatusCode.Created);

        ((long)body["bytes"]!).Should().Be(Bytes);
        ((string)body["sha256"]!).Should().Be(GeneratedContent.Sha256(Bytes));
        (await Host.Storage.Raw.GetBlobClient($"{Model}/big.csv").GetPropertiesAsync()).Value.ContentLength.Should().Be(Bytes);
        (GC.GetTotalAllocatedBytes() - before).Should().BeLessThan(Bytes * 3L / 4, "blocks are pooled and the body is never held in full");
    }

    [Fact]
    public async Task A_later_upload_replaces_the_file()
    {
        await PutAsync("a.csv", new StringContent("first")).ShouldBeAsync(HttpStatusCode.Created);
        await PutAsync("a.csv", new StringContent("second")).ShouldBeAsync(HttpStatusCode.Created);

        (await Host.Storage.Raw.GetBlobClient($"{Model}/a.csv").DownloadContentAsync()).Value.Content.ToString().Should().Be("second");
    }

    [Fact]
    public async Task An_upload_whose_answer_got_lost_is_one_state_of_the_file_and_starts_one_run()
    {
        var puts = 0;
        // The first brings the bytes, the second makes the file of them.
        var lossy = new AnswerLost((method, path) => method == "PUT" && path.EndsWith($"/raw/{Model}/a.csv", StringComparison.Ordinal) && ++puts > 1);
        await using var host = await WebHost.StartAsync(lossy.Storage(Azurite));
        using var first = await host.Client.PutAsync($"/raw/{Model}/a.csv", new StringContent("first"));

        first.StatusCode.Should().Be(HttpStatusCode.Created);
        lossy.Statuses.Should().HaveCount(2);
        lossy.Statuses.Last().Should().BeOneOf([409, 412], "the file is not stored a second time");
        var stored = (await Host.Storage.Raw.GetBlobClient($"{Model}/a.csv").GetPropertiesAsync()).Value;
        first.Headers.ETag!.Tag.Should().Be(stored.ETag.ToString("H"));
    }

    [Fact]
    public async Task Of_two_uploads_at_once_the_slower_is_told_that_it_was()
    {
        var hold = new HoldOnce((method, path) => method == "PUT" && path.EndsWith($"/raw/{Model}/a.csv", StringComparison.Ordinal));
        await using var other = await WebHost.StartAsync(hold.Storage(Azurite));
        var slow = other.Client.PutAsync($"/raw/{Model}/a.csv", new StringContent("slow"));
        await hold.Held;
        await PutAsync("a.csv", new StringContent("fast")).ShouldBeAsync(HttpStatusCode.Created);
        hold.LetGo();

        var told = await slow.ShouldFailAsync(HttpStatusCode.Conflict);
        told.Should().Contain($"{Model}/a.csv was changed, or moved away, while this upload came in. Send it again");
        (await Host.Storage.Raw.GetBlobClient($"{Model}/a.csv").DownloadContentAsync()).Value.Content.ToString().Should().Be("fast");
    }

    [Fact]
    public async Task An_upload_that_breaks_off_leaves_the_file_as_it_was()
    {
        await PutAsync("a.csv", new StringContent("whole")).ShouldBeAsync(HttpStatusCode.Created);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, Client.BaseAddress!.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PUT /raw/{Model}/a.csv HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\npart"));
            await client.GetStream().FlushAsync();
            await PutAsync("b.csv", new StringContent("meanwhile")).ShouldBeAsync(HttpStatusCode.Created);
        }

        await Host.DisposeAsync();
        (await Azurite.NewStorage().Raw.GetBlobClient($"{Model}/a.csv").DownloadContentAsync()).Value.Content.ToString().Should().Be("whole");
    }

    [Theory]
    [InlineData("..%5Ca.csv")]
    [InlineData("a%2Fb.csv")]
    [InlineData("a%5Cb.csv")]
    [InlineData(".hidden")]
    [InlineData("a.")]
    [InlineData("%20a.csv")]
    [InlineData("a%00.csv")]
    [InlineData("a%0Ab.csv")]
    [InlineData("a%23b.csv")]
    [InlineData("a%3Fb.csv")]
    [InlineData("a%25b.csv")]
    public async Task A_file_name_with_tricks_is_400(string file)
    {
        using var response = await PutAsync(file, new StringContent("x"));

        response.StatusCode.Should().Be(HttpStatusCode.BadRequest);
        (await CountAsync()).Should().Be(0);
    }

    [Fact]
    public async Task Files_come_in_pages_by_name()
    {
        foreach (var name in new[] { "c.csv", "a b.csv", "ä.csv" })
        {
            await Host.Storage.Raw.GetBlobClient($"{Model}/{name}").UploadAsync(BinaryData.FromString("abc"));
        }

        var first = await Client.GetAsync($"/raw/{Model}?take=2").ShouldBeAsync(HttpStatusCode.OK);
        var second = await Client.GetAsync($"/raw/{Model}?take=2&next={first["next"]}").ShouldBeAsync(HttpStatusCode.OK);

        first["files"]!.AsArray().Select(file => (string)file!["source"]!).Should().Equal($"raw/{Model}/a b.csv", $"raw/{Model}/c.csv");
        ((long)first["files"]![0]!["bytes"]!).Should().Be(3);
        second["files"]!.AsArray().Select(file => (string)file!["source"]!).Should().Equal($"raw/{Model}/ä.csv");
        second.AsObject().Should().NotContainKey("next");
        (await Client.GetAsync("/raw?take=1").ShouldBeAsync(HttpStatusCode.OK))["files"]!.AsArray().Should().ContainSingle();
    }

    [Fact]
    public async Task A_path_that_climbs_is_no_file()
    {
        foreach (var name in new[] { "../a.csv", "%2e%2e/a.csv", "..", "%2e", "a/b.csv", "" })
        {
            var path = $"/raw/{Model}/{name}";
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Client.BaseAddress!.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"));
            (await new StreamReader(client.GetStream()).ReadToEndAsync()).Should().MatchRegex("^HTTP/1.1 40[45] ", path);
        }

        (await CountAsync()).Should().Be(0);
    }

    [Fact]
    public async Task A_name_too_long_a_wrong_model_and_an_empty_body_are_400()
    {
        (await PutAsync(new string('a', 201), new StringContent("x")).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("1 to 200");
        (await Client.PutAsync("/raw/NoModel/a.csv", new StringContent("x")).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("lower-case");
        (await PutAsync("a.csv", new ByteArrayContent([])).ShouldFailAsync(HttpStatusCode.BadRequest)).Should().Contain("empty");
        (await CountAsync()).Should().Be(0);
    }

    private Task<HttpResponseMessage> PutAsync(string file, HttpContent content) => Client.PutAsync($"/raw/{Model}/{file}", content);

    private async Task<int> CountAsync()
    {
        var count = 0;
        await foreach (var _ in Host.Storage.Raw.GetBlobsAsync(default, default, Model, default))
        {
            count++;
        }
        return count;
    }

    /// <summary>Bytes made on the way, so that the test itself holds none of them.</summary>
    private sealed class GeneratedContent(int bytes, bool lengthAnnounced) : HttpContent
    {
        private static readonly byte[] Block = [.. Enumerable.Range(0, 10_000).Select(i => (byte)('a' + (i % 26)))];

        public static string Sha256(int bytes)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var left = bytes; left > 0; left -= Block.Length)
            {
                hash.AppendData(Block);
            }
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var left = bytes; left > 0; left -= Block.Length)
            {
                await stream.WriteAsync(Block);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes;
            return lengthAnnounced;
        }
    }
}
