using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace MlOps.Web.Answers;

/// <summary>
/// An answer that is written while the body still comes in. Most clients read nothing before they have sent all, and would wait for us as we for them: what
/// the client does not take yet waits in a file.
/// </summary>
/// <param name="response">Where the answer goes.</param>
internal sealed class SpooledAnswer(HttpResponse response) : IAsyncDisposable
{
    private readonly IHttpMinResponseDataRateFeature? rate = response.HttpContext.Features.Get<IHttpMinResponseDataRateFeature>();
    private MinDataRate? usual;
    private FileBufferingWriteStream filling = new();
    private Task draining = Task.CompletedTask;

    /// <summary>Whether anything was written.</summary>
    public bool HasBegun { get; private set; }

    public async Task WriteAsync(ReadOnlyMemory<byte> text, CancellationToken cancel)
    {
        if (!HasBegun && rate is not null)
        {
            // Who still sends need not read.
            (usual, rate.MinDataRate) = (rate.MinDataRate, null);
        }
        HasBegun = true;
        await filling.WriteAsync(text, cancel);
        if (draining.IsCompleted)
        {
            await draining;
            var full = filling;
            filling = new FileBufferingWriteStream();
            draining = DrainAsync(full, cancel);
        }
    }

    /// <summary>Waits until the client has taken all.</summary>
    public async Task EndAsync(CancellationToken cancel)
    {
        if (HasBegun && rate is not null)
        {
            rate.MinDataRate = usual;
        }
        await draining;
        await DrainAsync(filling, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await draining.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await filling.DisposeAsync();
    }

    private async Task DrainAsync(FileBufferingWriteStream full, CancellationToken cancel)
    {
        await using (full)
        {
            await full.DrainBufferAsync(response.Body, cancel);
            await response.Body.FlushAsync(cancel);
        }
    }
}
