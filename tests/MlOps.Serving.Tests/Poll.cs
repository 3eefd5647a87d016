using System.Diagnostics;

namespace MlOps.Serving.Tests;

/// <summary>Waits for what happens in the background.</summary>
internal static class Poll
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = Stopwatch.StartNew();
        while (!await condition())
        {
            if (started.Elapsed > Deadline)
            {
                throw new TimeoutException($"Not within {Deadline}.");
            }
            await Task.Delay(10);
        }
    }
}
