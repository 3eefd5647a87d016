using System.Globalization;
using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web;

/// <summary>How raw files come in over HTTP.</summary>
public sealed record UploadOptions
{
    private const int MostMinutes = 24 * 60;

    /// <summary>How long an upload address is good.</summary>
    public TimeSpan UrlLife { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Whether clients cannot reach storage themselves: embedded storage is this machine's alone.</summary>
    public bool ThroughHost { get; init; }

    /// <summary>Largest body of <c>PUT /raw</c>, in bytes; null: any.</summary>
    public long? MaxPutBytes { get; init; }

    /// <summary>Reads setting <c>Uploads:UrlMinutes</c>.</summary>
    /// <exception cref="InputException">It is no number of minutes.</exception>
    public static UploadOptions Read(IConfiguration configuration) => configuration["Uploads:UrlMinutes"] switch
    {
        null or "" => new UploadOptions(),
        var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 1 and <= MostMinutes =>
            new UploadOptions { UrlLife = TimeSpan.FromMinutes(minutes) },
        var text => throw new InputException($"The setting Uploads:UrlMinutes is '{text}'; it must be a whole number of minutes from 1 to {MostMinutes}."),
    };
}
