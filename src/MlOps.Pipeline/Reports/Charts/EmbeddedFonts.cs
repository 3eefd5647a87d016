using ScottPlot;
using SkiaSharp;

namespace MlOps.Pipeline.Reports.Charts;

/// <summary>The font that charts are drawn with, from this assembly: machines and containers without fonts draw text all the same.</summary>
internal sealed class EmbeddedFonts : IFontResolver
{
    public const string Family = "DejaVu Sans";

    private static readonly Lazy<bool> Registration = new(() =>
    {
        Fonts.FontResolvers.Insert(0, new EmbeddedFonts());
        Fonts.Default = Family;
        return true;
    });

    private readonly Lazy<SKTypeface> regular = new(() => Load("DejaVuSans.ttf"));

    /// <summary>Call before the first chart is drawn.</summary>
    public static bool Register() => Registration.Value;

    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        CreateTypeface(fontName, bold: false, italic: false);

    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Family ? regular.Value : null;

    private static SKTypeface Load(string file)
    {
        using var stream = typeof(EmbeddedFonts).Assembly.GetManifestResourceStream($"MlOps.Pipeline.Reports.Fonts.{file}")
            ?? throw new InvalidOperationException($"The font {file} is not in the assembly.");
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    }
}
