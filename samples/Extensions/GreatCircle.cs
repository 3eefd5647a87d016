using MlOps.Pipeline.Features;

namespace MlOps.Samples.Extensions;

/// <summary>Great-circle distance in kilometres of two places, each as latitude and longitude in degrees (haversine formula).</summary>
public sealed class GreatCircle : IFeatureFunction
{
    private const double EarthRadiusKm = 6371.0088;

    public string Name => "great_circle_km";

    public int Inputs => 4;

    public double Evaluate(ReadOnlySpan<double> inputs)
    {
        var (latitude, longitude) = (double.DegreesToRadians(inputs[0]), double.DegreesToRadians(inputs[1]));
        var (toLatitude, toLongitude) = (double.DegreesToRadians(inputs[2]), double.DegreesToRadians(inputs[3]));
        var (across, along) = (Math.Sin((toLatitude - latitude) / 2), Math.Sin((toLongitude - longitude) / 2));
        var chord = (across * across) + (Math.Cos(latitude) * Math.Cos(toLatitude) * along * along);
        return 2 * EarthRadiusKm * Math.Asin(Math.Sqrt(chord));
    }
}
