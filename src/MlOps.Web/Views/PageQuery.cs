using System.Globalization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Views;

/// <summary>Which part of a list is asked for: <c>take</c> and <c>next</c>, the same on every list.</summary>
/// <param name="Take">At most so many.</param>
/// <param name="Next">What the page before said; null: the first page.</param>
internal sealed record PageQuery(int Take, string? Next)
{
    public const string TakeWords = "At most this many, 1 to 1000; 50 when left out.";
    public const string NextWords = "What the page before said as next; left out: the first page.";
    public const int Default = 50;

    private const int Most = 1000;

    /// <exception cref="InputException">It is no number, or too large.</exception>
    public static PageQuery Of(string? take, string? next) =>
        take is null ? new PageQuery(Default, next)
        : int.TryParse(take, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= Most ? new PageQuery(count, next)
        : throw new InputException($"take is '{take}'; it must be a whole number from 1 to {Most}.");
}
