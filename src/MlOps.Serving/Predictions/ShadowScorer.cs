using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>Where rows go besides to who asked.</summary>
/// <param name="Log">Takes what was predicted; null: this host keeps none of it.</param>
/// <param name="Shadows">Asks shadows too; null: this host does not.</param>
internal sealed record KeptRows(PredictionLog? Log, ShadowScorer? Shadows);

/// <summary>
/// Asks shadows what others have answered, off the request's way: rows wait in a bounded queue, and where it is full they are counted and left out. The
/// answers go to the prediction log and nowhere else.
/// </summary>
internal sealed partial class ShadowScorer(PredictionLog log, TimeProvider time, ILogger<ShadowScorer> logger) : BackgroundService
{
    private const int MostRequests = 1_000;
    private const long MostBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Channel<Waiting> queue = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostRequests) { SingleReader = true });
    private long waiting;
    private long dropped;
    private long? warned;

    /// <summary>Rows left out since the start.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Takes the rows of a request, or leaves them out: never waits, never fails.</summary>
    public void Offer(ServedModel shadow, AskedRows asked)
    {
        if (asked.Rows.Count == 0)
        {
            return;
        }
        var bytes = asked.Rows.Sum(row => (long)JsonMarshal.GetRawUtf8Value(row).Length);
        if (Interlocked.Add(ref waiting, bytes) > MostBytes || !queue.Writer.TryWrite(new Waiting(shadow, Copy(asked), bytes)))
        {
            Interlocked.Add(ref waiting, -bytes);
            Interlocked.Add(ref dropped, asked.Rows.Count);
        }
    }

    /// <summary>The request's memory is used again when it has been answered.</summary>
    private static AskedRows Copy(AskedRows asked) => asked with { Rows = [.. asked.Rows.Select(row => row.Clone())] };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var (shadow, asked, bytes) in queue.Reader.ReadAllAsync(stoppingToken))
            {
                Score(shadow, asked);
                Interlocked.Add(ref waiting, -bytes);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private void Score(ServedModel shadow, AskedRows asked)
    {
        var started = time.GetTimestamp();
        try
        {
            log.Add(new AnsweredRows(shadow, Variants.Shadow, asked, shadow.Scorer.Predict(asked.Rows), Ranges: null, time.GetElapsedTime(started)));
        }
#pragma warning disable CA1031 // A shadow's fault is what people want to know of it, and nobody's trouble: it stands in the log.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            log.Add(new AnsweredRows(shadow, Variants.Shadow, asked, Predictions: null, Ranges: null, time.GetElapsedTime(started)));
            if (warned is not { } before || time.GetElapsedTime(before) >= BetweenWarnings)
            {
                warned = time.GetTimestamp();
                LogFailed(shadow.Model, shadow.Version, fault is InputException ? fault.Message : FaultText.Of(fault));
            }
        }
    }

    private sealed record Waiting(ServedModel Shadow, AskedRows Asked, long Bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Model {Model}: version {Version}, the shadow, could not answer (told once a minute): {Reason}")]
    private partial void LogFailed(string model, int version, string reason);
}
