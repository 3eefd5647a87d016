using System.Runtime.CompilerServices;
using Microsoft.Extensions.Hosting;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Looks at a run every second for somebody who follows it.</summary>
public sealed class RunWatch(RunStore runs, StageLogs logs, WebOptions options, TimeProvider time, IHostApplicationLifetime? host = null)
{
    /// <summary>The type of its events.</summary>
    public const string EventType = "run";

    /// <summary>Somebody who forgot a page costs no more than this; a browser comes again by itself.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    /// <summary>What the run is at, once at first, and then when something of it has changed; ends with the run, or with this host.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="cancel">Stops it.</param>
    public async IAsyncEnumerable<RunEvent> FollowAsync(string runId, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, host?.ApplicationStopping ?? CancellationToken.None);
        var (started, before, hadEnded) = (time.GetTimestamp(), "", false);
        while (time.GetElapsedTime(started) < Longest && await ReadAsync(runId, stop.Token) is var (now, text))
        {
            if (text != before)
            {
                yield return now;
            }
            // The last lines, and the end of the last stage, come just after the run's.
            if (hadEnded)
            {
                yield break;
            }
            (before, hadEnded) = (text, now.HasEnded);
            if (!await PauseAsync(stop.Token))
            {
                yield break;
            }
        }
    }

    private async Task<(RunEvent Event, string Text)?> ReadAsync(string runId, CancellationToken stop)
    {
        try
        {
            if (await runs.FindDetailsAsync(runId, stop) is not { } details)
            {
                return null;
            }
            var lengths = await logs.LengthsAsync(runId, stop);
            return (new RunEvent(runId, details.Run.State, details.Run.HasEnded, lengths), Json.Write(details) + Json.Write(lengths));
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<bool> PauseAsync(CancellationToken stop)
    {
        try
        {
            await Task.Delay(options.WatchEvery, time, stop);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}

/// <summary>What a run is at.</summary>
/// <param name="RunId">The run.</param>
/// <param name="State">Its state.</param>
/// <param name="HasEnded">True: nothing comes after this, but for the last lines of its logs.</param>
/// <param name="Logs">Bytes of the log of each stage that has one.</param>
public sealed record RunEvent(string RunId, RunState State, bool HasEnded, IReadOnlyDictionary<string, long> Logs);
