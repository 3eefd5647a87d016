using System.Globalization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Stops the reading of a small file that is made to become a very large one.</summary>
/// <param name="name">The file, for messages.</param>
/// <param name="packed">Its bytes.</param>
/// <param name="limits">What a host takes.</param>
internal sealed class ExpansionLimit(string name, long packed, InputLimits limits)
{
    /// <summary>So much fits anywhere, however small the file is.</summary>
    private const long AlwaysFine = 64 << 20;

    /// <exception cref="InputException">The content is larger than it may be.</exception>
    /// <param name="unpacked">Bytes of content so far, or that the file says it has.</param>
    public void Check(double unpacked)
    {
        if (unpacked > limits.UnpackedBytes)
        {
            throw Refused($"{limits.UnpackedBytes:N0} bytes", nameof(InputLimits.UnpackedBytes));
        }
        if (unpacked > AlwaysFine && unpacked > (double)packed * limits.Expansion)
        {
            throw Refused($"{limits.Expansion:N0} times its size", nameof(InputLimits.Expansion));
        }
    }

    private InputException Refused(FormattableString limit, string setting) => new(
        $"{name} unpacks to more than {limit.ToString(CultureInfo.InvariantCulture)}. Is it the right file? "
            + $"If it is, give it unpacked, or raise the setting {InputLimits.Setting(setting)}.");
}
