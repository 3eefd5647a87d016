using System.Text.Json;

namespace MlOps.Pipeline.Contracts;

/// <summary>A record that outlives the release that wrote it.</summary>
public interface IStored
{
    /// <summary>The newest layout that this release reads, and the one that it writes.</summary>
    static abstract int CurrentFormat { get; }

    /// <summary>What it is, for people, such as <c>run</c>.</summary>
    static abstract string StoredAs { get; }

    /// <summary>Layout of this record. What was written before records had a number is of layout 1.</summary>
    int Format { get; }
}

/// <summary>Reads what an earlier release may have written, and refuses what only a later one can read: nothing is half-read.</summary>
public static class Stored
{
    /// <exception cref="InputException">A later release wrote it; the sentence says what to do.</exception>
    /// <exception cref="JsonException">There is no text, or it is not the JSON of a <typeparamref name="T"/>.</exception>
    public static T Read<T>(string? json)
        where T : class, IStored
    {
        try
        {
            var value = Json.Read<T>(json);
            return value.Format <= T.CurrentFormat ? value : throw Newer<T>(value.Format);
        }
        catch (JsonException) when (json is not null && FormatOf(json) is { } format && format > T.CurrentFormat)
        {
            throw Newer<T>(format);
        }
    }

    /// <summary>What <paramref name="read"/> reads; null when what is stored is damaged, or a later release's.</summary>
    /// <param name="read">Reads a stored record.</param>
    /// <param name="unreadable">Told why it cannot be read.</param>
    public static T? TryRead<T>(Func<T> read, Action<Exception> unreadable)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is JsonException or InputException)
        {
            unreadable(fault);
            return null;
        }
    }

    private static int? FormatOf(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("format", out var format)
                && format.TryGetInt32(out var number)
                ? number
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static InputException Newer<T>(int format)
        where T : IStored =>
        new($"This {T.StoredAs} was stored by a later release (format {format}; this one reads up to {T.CurrentFormat}). Update this host to that release.");
}
