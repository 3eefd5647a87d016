namespace MlOps.Pipeline.Reports.Explain;

/// <summary>Names under which a run keeps its explanation.</summary>
public static class ExplanationFiles
{
    public const string Page = "explain.html";
    public const string SummaryPicture = "shap_summary.png";
    public const string ImportancePicture = "shap_importance.png";
    public const string Values = "shap_values.csv";
}
