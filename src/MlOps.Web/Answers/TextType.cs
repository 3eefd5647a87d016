using Microsoft.Net.Http.Headers;

namespace MlOps.Web.Answers;

/// <summary>The content type of a text, as a caller says it.</summary>
/// <param name="Type">Such as <c>text/csv</c>, in lower case; null: nothing was said.</param>
/// <param name="Charset">The encoding; null: nothing was said.</param>
/// <param name="Others">Parameters besides the encoding.</param>
internal sealed record TextType(string? Type, string? Charset, IReadOnlyList<string> Others)
{
    public static TextType Read(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type))
        {
            return new TextType(string.IsNullOrWhiteSpace(contentType) ? null : contentType.ToLowerInvariant(), Charset: null, []);
        }
        return new TextType(
            type.MediaType.ToString().ToLowerInvariant(),
            type.Charset.HasValue ? HeaderUtilities.RemoveQuotes(type.Charset).ToString() : null,
            [.. type.Parameters.Select(parameter => parameter.Name.ToString()).Where(name => !name.Equals("charset", StringComparison.OrdinalIgnoreCase))]);
    }

    public bool Is(string type) => Type == type;

    /// <summary>Null when it is one of these types and UTF-8, else what to do.</summary>
    public string? ProblemOf(params ReadOnlySpan<string> types) =>
        Charset is not null && !Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) ? $"The charset '{Charset}' is not taken: send UTF-8."
        : Others.Count > 0 ? $"The content type has parameters that mean nothing here: {string.Join(", ", Others)}. Leave them out."
        : !types.Contains(Type) ? $"The content type is {(Type is null ? "not told" : $"'{Type}'")}; send {string.Join(" or ", types)}."
        : null;
}
