using System.Globalization;
using System.Text;

namespace MlOps.Local.Demo;

/// <summary>
/// A generated table of taxi trips with the flaws that real ones have: nulls, duplicates, values that cannot be. The same seed gives the same table.
/// </summary>
public static class SampleTrips
{
    public const string Model = "trips";
    public const int Rows = 20_000;

    private const int Seed = 20_260_105;
    private const int DriftedSeed = 20_260_405;

    private static readonly int[] ColumnsWithNulls = [2, 4, 5, 6];
    private static readonly DateTime FirstDay = new(2026, 1, 5, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>The model's pipeline definition, beside the program.</summary>
    public static string DefinitionFile { get; } = Path.Combine(AppContext.BaseDirectory, "samples", "trips.json");

    /// <summary>Writes the table as CSV.</summary>
    /// <param name="path">The file.</param>
    /// <param name="drifted">True: a later quarter, in which trips got longer, dearer and paid otherwise, and a vendor is new.</param>
    /// <param name="cancel">Stops the writing.</param>
    public static async Task WriteAsync(string path, bool drifted, CancellationToken cancel)
    {
        // The numbers must be the same on every machine and release, which a seeded System.Random promises.
        var random = new Random(drifted ? DriftedSeed : Seed);
        await using var file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        await file.WriteAsync("trip_id,pickup_time,vendor,passengers,distance_km,duration_min,payment,airport,fare\n".AsMemory(), cancel);
        var previous = "";
        for (var number = 1; number <= Rows; number++)
        {
            var line = random.NextDouble() < 0.005 && previous.Length > 0 ? previous : Trip(number, drifted, random);
            await file.WriteAsync(line.AsMemory(), cancel);
            previous = line;
        }
    }

    private static string Trip(int number, bool drifted, Random random)
    {
        var pickup = (drifted ? FirstDay.AddDays(90) : FirstDay).AddMinutes(random.Next(0, 90 * 24 * 60));
        var isAirport = random.NextDouble() < (drifted ? 0.25 : 0.08);
        var distance = isAirport ? 14 + (8 * random.NextDouble()) : 0.6 + ((drifted ? -5.1 : -3.2) * Math.Log(1 - random.NextDouble()));
        var isRushHour = pickup.Hour is >= 7 and <= 9 or >= 16 and <= 18;
        var duration = 2 + (distance * (isRushHour ? 3.4 : 2.2) * (0.8 + (0.4 * random.NextDouble())));
        var isNight = pickup.Hour is >= 22 or < 6;
        var fare = (drifted ? 5.5 : 3.2) + (1.65 * distance) + (0.38 * duration) + (isAirport ? 6 : 0) + (isNight ? 1.5 : 0) + (0.6 * Normal(random));
        string[] cells =
        [
            string.Create(CultureInfo.InvariantCulture, $"T{number:D6}"),
            pickup.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
            drifted ? Pick(random, ("CITY", 0.3), ("GREEN", 0.3), ("ORBIT", 0.6), ("SWIFT", 1)) : Pick(random, ("CITY", 0.55), ("GREEN", 0.3), ("SWIFT", 1)),
            Pick(random, ("1", 0.68), ("2", 0.5), ("3", 0.4), ("4", 1)),
            Number(random.NextDouble() < 0.004 ? -distance : distance),
            Number(random.NextDouble() < 0.004 ? duration * 100 : duration),
            drifted ? Pick(random, ("card", 0.35), ("cash", 0.2), ("app", 1)) : Pick(random, ("card", 0.62), ("cash", 0.7), ("app", 1)),
            isAirport ? "true" : "false",
            Number(Math.Max(4, fare)),
        ];
        foreach (var column in ColumnsWithNulls.Where(_ => random.NextDouble() < 0.006))
        {
            cells[column] = "";
        }
        return string.Join(',', cells) + "\n";
    }

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>The first choice whose chance comes up; the last one's is 1.</summary>
    private static string Pick(Random random, params ReadOnlySpan<(string Value, double Chance)> choices)
    {
        foreach (var (value, chance) in choices)
        {
            if (random.NextDouble() < chance)
            {
                return value;
            }
        }
        return choices[^1].Value;
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
