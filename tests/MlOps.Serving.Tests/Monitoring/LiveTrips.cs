using System.Globalization;
using System.Text.Json;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Monitoring;

/// <summary>Trips as callers send them.</summary>
internal static class LiveTrips
{
    /// <summary>Rows like those of training.</summary>
    /// <param name="count">How many.</param>
    /// <param name="seed">Other seeds, other rows.</param>
    /// <param name="factor">How much farther than in training.</param>
    /// <param name="payment">How all are paid; null: as in training.</param>
    public static IReadOnlyList<string> Rows(int count, int seed, double factor = 1, string? payment = null) =>
    [
        .. Trips.Csv(count, seed).TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split(',')).Select(cells => JsonSerializer.Serialize(new
        {
            vendor = cells[0],
            passengers = Number(cells[1]),
            seconds = factor * Number(cells[2]),
            miles = factor * Number(cells[3]),
            payment = payment ?? cells[4],
        })),
    ];

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);
}
