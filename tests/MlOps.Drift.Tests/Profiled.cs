using System.Text;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

/// <summary>Profiles of values at hand.</summary>
internal static class Profiled
{
    public const int Most = 1 << 16;

    public static NumericProfile Numbers(IEnumerable<double?> values, int most = Most)
    {
        var all = values.ToList();
        var sketch = new NumericSketch(most, all.Count);
        foreach (var value in all)
        {
            if (value is { } number)
            {
                sketch.Add(number);
            }
            else
            {
                sketch.AddMissing();
            }
        }
        return sketch.Finish();
    }

    public static NumericProfile Numbers(IEnumerable<double> values, int most = Most) => Numbers(values.Select(value => (double?)value), most);

    public static CategoryProfile Categories(IEnumerable<string?> values, int most = Most)
    {
        var counter = new CategoryCounter(most);
        foreach (var value in values)
        {
            if (value is null)
            {
                counter.AddMissing();
            }
            else
            {
                counter.Add(Encoding.UTF8.GetBytes(value));
            }
        }
        return counter.Finish();
    }
}
