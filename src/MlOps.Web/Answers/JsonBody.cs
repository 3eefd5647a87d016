using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Answers;

/// <summary>Reads JSON bodies by hand, so that errors name line and position whatever the host.</summary>
internal static class JsonBody
{
    private const int LargestFirstBuffer = 64 * 1024;

    /// <summary>The body as JSON; null when there is none.</summary>
    /// <exception cref="BadHttpRequestException">It is too large or malformed.</exception>
    public static async Task<JsonDocument?> ReadAsync(HttpRequest request, InputLimits limits, CancellationToken cancel)
    {
        var bytes = await ReadBytesAsync(request, limits, cancel);
        return bytes.Span.IsWhiteSpace() ? null : Parse(bytes, limits.JsonDepth);
    }

    /// <summary>Reads an object key by key and reports every problem at once; without a body, <paramref name="read"/> sees an empty object.</summary>
    /// <exception cref="BadHttpRequestException">The body is too large or malformed.</exception>
    /// <exception cref="InputException">Keys are missing, wrong or unknown.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, InputLimits limits, Func<JsonReader, T> read, CancellationToken cancel)
    {
        using var document = await ReadAsync(request, limits, cancel) ?? JsonDocument.Parse("{}");
        return Read(document.RootElement, read);
    }

    /// <inheritdoc cref="ReadAsync{T}"/>
    public static T Read<T>(JsonElement json, Func<JsonReader, T> read)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new InputException("The body must be a JSON object.");
        }
        var problems = new List<string>();
        var reader = new JsonReader(json, "", problems);
        var value = read(reader);
        reader.RejectUnknown();
        return problems.Count == 0 ? value : throw new InputException(problems);
    }

    /// <summary>The bytes of a body, without a byte order mark.</summary>
    /// <exception cref="BadHttpRequestException">It is too large.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, InputLimits limits, CancellationToken cancel) =>
        WithoutMark(await ReadBytesAsync(request, limits.JsonBytes, cancel));

    /// <exception cref="BadHttpRequestException">It is malformed.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes, int depth)
    {
        if (!Utf8.IsValid(bytes.Span))
        {
            throw new BadHttpRequestException("The body is not valid UTF-8. Send JSON in UTF-8.");
        }
        try
        {
            if (bytes.Span.IndexOf("\\u"u8) >= 0)
            {
                RejectHalfCharacters(bytes.Span, depth);
            }
            return JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = depth });
        }
        catch (JsonException malformed)
        {
            throw new BadHttpRequestException(Describe(malformed, depth), malformed);
        }
    }

    /// <summary>An escaped half of a surrogate pair is well-formed JSON, but no text: it would fail wherever it is read.</summary>
    private static void RejectHalfCharacters(ReadOnlySpan<byte> bytes, int depth)
    {
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = depth });
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped)
            {
                continue;
            }
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException half)
            {
                throw new BadHttpRequestException(
                    $"The body is not valid JSON: the text that ends at byte {reader.BytesConsumed} has half a surrogate pair.", half);
            }
        }
    }

    private static string Describe(JsonException malformed, int depth)
    {
        if (malformed.Message.StartsWith("The maximum configured depth", StringComparison.Ordinal))
        {
            return $"The body is nested deeper than {depth} levels. Nothing here needs as many; the setting is "
                + $"{InputLimits.Setting(nameof(InputLimits.JsonDepth))}.";
        }
        return $"The body is not valid JSON: {Json.Describe(malformed)}";
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, int limit, CancellationToken cancel)
    {
        if (request.ContentLength > limit)
        {
            throw TooLarge(limit);
        }
        // What is announced need not come: it takes memory only as it arrives.
        var buffer = new byte[request.ContentLength is { } announced ? Math.Min(announced + 1, LargestFirstBuffer) : 4096];
        var length = 0;
        while (await request.Body.ReadAsync(buffer.AsMemory(length), cancel) is var read and > 0)
        {
            length += read;
            if (length > limit)
            {
                throw TooLarge(limit);
            }
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }
        }
        return buffer.AsMemory(0, length);
    }

    private static BadHttpRequestException TooLarge(int limit) =>
        new(
            string.Create(
                CultureInfo.InvariantCulture,
                $"The body is larger than {limit:N0} bytes. Send less at once, or raise the setting {InputLimits.Setting(nameof(InputLimits.JsonBytes))}."),
            StatusCodes.Status413PayloadTooLarge);

    private static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> bytes) =>
        bytes.Span.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;

    private static bool IsWhiteSpace(this ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(" \t\r\n"u8) < 0;
}
