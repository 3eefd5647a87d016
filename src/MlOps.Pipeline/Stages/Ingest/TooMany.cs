using System.Globalization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What is said of files that are larger than a host takes.</summary>
internal static class TooMany
{
    public static InputException Columns(string name, int columns, InputLimits limits) =>
        Of($"{name} has {columns:N0} columns; {limits.Columns:N0} are the most. Leave some out", nameof(InputLimits.Columns));

    public static InputException Rows(string name, long rows, InputLimits limits) =>
        Of($"{name} has {rows:N0} rows; {limits.FileRows:N0} are the most. Divide the file", nameof(InputLimits.FileRows));

    public static InputException Bytes(InputLimits limits) =>
        Of($"A row is longer than {limits.RowBytes:N0} bytes. Does each line have an end? If it is meant, shorten its cells", nameof(InputLimits.RowBytes));

    private static InputException Of(FormattableString sentence, string setting) =>
        new($"{sentence.ToString(CultureInfo.InvariantCulture)}, or raise the setting {InputLimits.Setting(setting)}.");
}
