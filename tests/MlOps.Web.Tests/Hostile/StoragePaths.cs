using System.Text.RegularExpressions;

namespace MlOps.Web.Tests.Hostile;

/// <summary>Which addresses of storage the product may ask for.</summary>
internal static partial class StoragePaths
{
    /// <summary>Addresses that are none of the product's containers and tables, or that lead out of the folder that they name.</summary>
    public static IReadOnlyList<string> Outside(IEnumerable<string> asked) => [.. asked.Where(path => !Container.IsMatch(path) || LeadsAway(path))];

    private static bool LeadsAway(string path)
    {
        var decoded = path;
        for (var again = 0; again < 3; again++)
        {
            if (decoded.Split('/', '\\').Any(part => part is "." or "..") || decoded.Contains('\\', StringComparison.Ordinal)
                || decoded.Contains('\0', StringComparison.Ordinal))
            {
                return true;
            }
            decoded = Uri.UnescapeDataString(decoded);
        }
        return false;
    }

    [GeneratedRegex(
        @"\A/(raw|quarantine|datasets|definitions|artifacts|predictions|leases|runs|runrecords|models|marks|keys|audit|indexes|dataversions)(\z|[/(])"
        + @"|\A/\$batch\z")]
    private static partial Regex Container { get; }
}
