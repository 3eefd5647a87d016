
namespace MlOps.Web.Views;

/// <summary>URLs of things, relative to the host.</summary>
internal static class Links
{
    public static string Run(string runId) => $"/runs/{Uri.EscapeDataString(runId)}";

    public static string Artifact(string runId, string path) => $"{Run(runId)}/artifacts/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}";

    public static string Log(string runId, string stage) => $"{Run(runId)}/stages/{Uri.EscapeDataString(stage)}/log";

    public static string Reproduction(string runId) => $"{Run(runId)}/reproduction";

    public static string Pipeline(string model) => $"/pipelines/{Uri.EscapeDataString(model)}";

    public static string Data(string model, string version) => $"/datasets/{Uri.EscapeDataString(model)}/versions/{Uri.EscapeDataString(version)}";

    public static string Model(string model) => $"/models/{Uri.EscapeDataString(model)}";

    public static string Version(string model, int version) => $"{Model(model)}/versions/{version}";
}
