using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Web.Answers;

namespace MlOps.Web.Tests;

public sealed class JsonBodyTests
{
    [Fact]
    public async Task A_body_takes_memory_as_it_arrives_not_as_it_is_announced()
    {
        var body = new Announced("{}"u8.ToArray());
        var http = new DefaultHttpContext();
        http.Request.Body = body;
        http.Request.ContentLength = 16 * 1024 * 1024;

        using var json = await JsonBody.ReadAsync(http.Request, new InputLimits(), default);

        json!.RootElement.EnumerateObject().Should().BeEmpty();
        body.LargestBuffer.Should().BeLessThanOrEqualTo(64 * 1024);
    }

    /// <summary>Gives less than the header said.</summary>
    private sealed class Announced(byte[] content) : MemoryStream(content)
    {
        public int LargestBuffer { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            LargestBuffer = Math.Max(LargestBuffer, buffer.Length);
            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
