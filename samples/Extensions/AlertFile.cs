using System.Text.Json;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Samples.Extensions;

/// <summary>Appends every alert to a file, a JSON object a line.</summary>
public sealed class AlertFile(string path) : IAlertChannel
{
    private readonly Lock writing = new();

    public string Name => "file";

    public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        var line = JsonSerializer.Serialize(new { alert.At, alert.Kind, alert.Title, alert.Reasons, subject.Path }, Json.Options);
        lock (writing)
        {
            File.AppendAllText(path, line + "\n");
        }
        return Task.FromResult<string?>(null);
    }
}
