namespace MlOps.Pipeline.Reports;

/// <summary>The one look of all pages.</summary>
public static class ReportStyle
{
    private const string Resource = "MlOps.Pipeline.Reports.report.css";

    /// <summary>The style sheet: inside each report, and part of what the dashboard links.</summary>
    public static string Css { get; } = Read();

    private static string Read()
    {
        using var content = typeof(ReportStyle).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(content);
        return reader.ReadToEnd();
    }
}
