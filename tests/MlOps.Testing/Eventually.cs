using System.Diagnostics;

namespace MlOps.Testing;

/// <summary>Waits for what happens by itself, with a deadline.</summary>
public static class Eventually
{
    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <param name="condition">What must become true.</param>
    /// <param name="seen">What was seen last, for the message when it never does.</param>
    /// <param name="deadline">How long to ask; null: 30 seconds.</param>
    /// <exception cref="TimeoutException">It did not become true.</exception>
    public static async Task IsTrueAsync(Func<Task<bool>> condition, Func<string>? seen = null, TimeSpan? deadline = null)
    {
        var longest = deadline ?? TimeSpan.FromSeconds(30);
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > longest)
            {
                throw new TimeoutException($"Not within {longest.TotalSeconds:0} seconds. {seen?.Invoke()}");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(25));
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, Func<string>? seen = null, TimeSpan? deadline = null) =>
        IsTrueAsync(() => Task.FromResult(condition()), seen, deadline);
}
