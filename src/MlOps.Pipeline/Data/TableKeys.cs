using System.Text;

namespace MlOps.Pipeline.Data;

/// <summary>Column names and paths become parts of table keys, which forbid some characters.</summary>
public static class TableKeys
{
    /// <summary>Escapes <c>/ \ # ?</c>, control characters and the escape itself as <c>=XX</c>; everything else stays readable.</summary>
    public static string Escape(string text)
    {
        var key = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c is '/' or '\\' or '#' or '?' or '=' or '%' or '+' || char.IsControl(c)
                ? key.Append('=').Append(((int)c).ToString("X2", System.Globalization.CultureInfo.InvariantCulture))
                : key.Append(c);
        }
        return key.ToString();
    }
}
