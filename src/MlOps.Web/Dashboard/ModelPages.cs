namespace MlOps.Web.Dashboard;

/// <summary>Addresses of the pages of a model.</summary>
internal static class ModelPages
{
    public static string Url(string model) => "/dashboard" + Links.Model(model);

    public static string Version(string model, int version) => "/dashboard" + Links.Version(model, version);

    public static string Monitoring(string model) => Url(model) + "/monitoring";

    public static string Traffic(string model) => Url(model) + "/traffic";

    public static string Data(string model) => $"/dashboard/data/{Uri.EscapeDataString(model)}";

    public static string Dataset(string model, string version) => $"{Data(model)}/{Uri.EscapeDataString(version)}";

    public static string Run(string runId) => "/dashboard" + Links.Run(runId);
}
