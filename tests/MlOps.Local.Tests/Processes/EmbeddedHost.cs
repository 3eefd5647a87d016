using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Processes;

/// <summary>Which processes of the product a test kills.</summary>
public enum Victims
{
    Both,
    Host,
    Storage,
}

/// <summary>A real <c>up</c> on embedded storage, asked over HTTP.</summary>
internal sealed class EmbeddedHost : IAsyncDisposable
{
    private readonly LocalProcess process;
    private readonly string folder;

    private EmbeddedHost(LocalProcess process, string folder) => (this.process, this.folder) = (process, folder);

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };

    public HostConnection Connection => DataFolder.FindHost(folder)!;

    public string Output => process.Output;

    public string Errors => process.Errors;

    public static Task<EmbeddedHost> StartAsync(string folder) => StartAsync(folder, new Dictionary<string, string?>());

    public static async Task<EmbeddedHost> StartAsync(string folder, IReadOnlyDictionary<string, string?> environment, params string[] options)
    {
        var host = Launch(folder, environment, options);
        await host.ServesAsync();
        return host;
    }

    /// <summary>Starts it and does not wait.</summary>
    public static EmbeddedHost Launch(string folder, IReadOnlyDictionary<string, string?> environment, params string[] options) =>
        new(LocalProcess.Start(environment, ["up", "--port", "0", "--data", folder, .. options]), folder);

    public Task PrintedAsync(string text) => process.PrintedAsync(text);

    public async Task ServesAsync()
    {
        await PrintedAsync("Serving on");
        Http.BaseAddress = new UriBuilder(Connection.Url!) { Host = "127.0.0.1" }.Uri;
    }

    /// <summary>SIGKILL, in one go.</summary>
    public async Task KillAsync(Victims victims)
    {
        await SignalAsync("KILL", victims);
        await process.ExitCodeAsync();
    }

    /// <summary>Sends a signal, such as <c>STOP</c> or <c>CONT</c>.</summary>
    public async Task SignalAsync(string signal, Victims to)
    {
        var storage = int.Parse(File.ReadAllText(Path.Combine(folder, "azurite", "azurite.pid")).Split(' ')[0], CultureInfo.InvariantCulture);
        var ids = to switch { Victims.Both => new[] { process.Id, storage }, Victims.Host => [process.Id], _ => [storage] };
        using var kill = Process.Start("kill", [$"-{signal}", .. ids.Select(id => id.ToString(CultureInfo.InvariantCulture))]);
        await kill.WaitForExitAsync();
        kill.ExitCode.Should().Be(0);
    }

    public Task<int> ExitCodeAsync() => process.ExitCodeAsync();

    /// <summary>Its storage, which is asked once: it may be gone for good.</summary>
    public PipelineStorage ConnectStorage()
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        (blobs.Retry.MaxRetries, tables.Retry.MaxRetries) = (0, 0);
        return new(new BlobServiceClient(Connection.Storage, blobs), new TableServiceClient(Connection.Storage, tables));
    }

    /// <summary>An answer of 2xx, as JSON; undefined where it says no more.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode
            ? (text.Length > 0 ? JsonDocument.Parse(text).RootElement : default)
            : throw new HttpRequestException($"{method} {path}: {(int)answer.StatusCode} {text}", null, answer.StatusCode);
    }

    public Task<JsonElement> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<JsonElement> DeclareAsync(PipelineDefinition definition) =>
        SendAsync(HttpMethod.Put, $"/pipelines/{definition.Model}", new StringContent(DefinitionJson.Write(definition)));

    public Task<JsonElement> UploadAsync(string model, string name, byte[] content) =>
        SendAsync(HttpMethod.Put, $"/raw/{model}/{name}", new ByteArrayContent(content));

    /// <summary>Starts a run on a file that was uploaded, and returns its id.</summary>
    public async Task<string> RunAsync(string model, string name)
    {
        var run = await SendAsync(HttpMethod.Post, $"/pipelines/{model}/runs", JsonContent.Create(new { source = $"raw/{model}/{name}" }));
        return run.GetProperty("runId").GetString()!;
    }

    /// <summary>All versions of a model and the run that each is of, over as many pages as there are.</summary>
    public async Task<IReadOnlyList<(int Version, string Run)>> ListVersionsAsync(string model)
    {
        var versions = new List<(int Version, string Run)>();
        string? next = null;
        do
        {
            var page = await GetAsync($"/models/{model}/versions?take=1000{(next is null ? "" : $"&next={Uri.EscapeDataString(next)}")}");
            versions.AddRange(page.GetProperty("versions").EnumerateArray().Select(Acknowledged.VersionOf));
            next = page.TryGetProperty("next", out var more) ? more.GetString() : null;
        }
        while (next is not null);
        return versions;
    }

    /// <summary>Ids of the predictions of a key that the log has.</summary>
    public async Task<IReadOnlyList<string>> ListLoggedAsync(string model, string key)
    {
        var lines = await Http.GetStringAsync($"/models/{model}/predictions?key={key}");
        var rows = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement);
        return [.. rows.Select(row => row.GetProperty("id").GetString()!)];
    }

    /// <summary>The run, once it has ended.</summary>
    public async Task<JsonElement> EndOfAsync(string run)
    {
        JsonElement last = default;
        await Eventually.IsTrueAsync(
            async () => (last = await GetAsync($"/runs/{run}")).GetProperty("state").GetString() is not ("queued" or "running" or "waiting"),
            () => $"{last}\n{Errors}", TimeSpan.FromSeconds(90));
        return last;
    }

    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        Http.Dispose();
    }
}
