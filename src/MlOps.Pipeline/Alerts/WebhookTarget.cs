using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Alerts;

/// <summary>Where events are sent, and what they are signed with. Prints neither.</summary>
public sealed class WebhookTarget
{
    private const string Prefix = "whsec_";
    private const int ShortestKey = 16;

    private readonly byte[] key;

    /// <param name="url">Where to.</param>
    /// <param name="secret">The key: <c>whsec_</c> and the Base64 of 16 bytes or more, as receivers make them.</param>
    /// <exception cref="InputException">It is none; the text does not repeat it.</exception>
    public WebhookTarget(Uri url, string? secret)
    {
        Url = url;
        var bytes = new byte[secret?.Length ?? 0];
        var length = 0;
        var isKey = secret?.StartsWith(Prefix, StringComparison.Ordinal) == true && Convert.TryFromBase64String(secret[Prefix.Length..], bytes, out length);
        if (!isKey || length < ShortestKey)
        {
            throw new InputException("The setting Alerts:WebhookSecret must be 'whsec_' and the Base64 of 16 bytes or more: receivers know by it who sends. "
                + "Such as: echo \"whsec_$(openssl rand -base64 32)\".");
        }
        key = bytes[..length];
    }

    public Uri Url { get; }

    internal ReadOnlySpan<byte> Key => key;

    public override string ToString() => nameof(WebhookTarget);
}
