using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MlOps.Local.Storage;
using MlOps.Testing;

namespace MlOps.Local.Tests.Processes;

/// <summary>
/// Known secrets go through all that a host does: sign-ins, refusals, runs that succeed and fail, alerts that do and do not arrive, commands, a backup.
/// Afterwards everything that was written anywhere is searched for them.
/// </summary>
public sealed class SecretsTests : IDisposable
{
    private const string AdminKey = "s3cret-admin-key-of-the-deployment-4711";
    private const string Model = "trips";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-secrets-").FullName;
    private readonly List<(string Where, string Text)> written = [];
    private readonly HttpClient http = new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });

    [Fact]
    public async Task No_secret_is_written_but_where_it_has_to_be()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (call, context, _) =>
        {
            context.Response.StatusCode = call % 2 == 0 ? 200 : 404;
            return Task.CompletedTask;
        };
        var data = Path.Combine(folder, "data");
        string[] ofData = ["--data", data];
        // A key's secret half is what opens: its first half is its id, and shown.
        var readerKey = (await CommandAsync(keep: false, ["keys", "add", "Ann", "--role", "reader", .. ofData])).Trim();
        var environment = new Dictionary<string, string?>
        {
            ["Access__AdminKey"] = AdminKey,
            ["SLACK_WEBHOOK_URL"] = slack.Url.ToString(),
        };
        string machineKey, cookie, storageKey;
        await using (var host = LocalProcess.Start(environment, ["up", "--listen", "0.0.0.0", "--port", "0", "--verbose", .. ofData]))
        {
            await host.PrintedAsync("Serving on");
            var connection = DataFolder.FindHost(data)!;
            machineKey = connection.Key!;
            storageKey = connection.Storage!.Split(';').Single(part => part.StartsWith("AccountKey=", StringComparison.Ordinal))["AccountKey=".Length..];
            http.BaseAddress = new UriBuilder(connection.Url!) { Host = "127.0.0.1" }.Uri;
            cookie = await SignInAsync();
            await RefusalsAsync(readerKey);
            var good = await RunAsync("fare", "good.csv", await File.ReadAllTextAsync(await Trips.WriteAsync(folder, rows: 300)));
            var bad = await RunAsync("nothing", "bad.csv", "a,b\n1,2\n3,4\n");
            good.Should().Contain("\"succeeded\"");
            bad.Should().Contain("\"failed\"");
            slack.Calls.Should().HaveCountGreaterThanOrEqualTo(2);
            string[] paths = ["/health", "/models", $"/models/{Model}", "/runs", "/audit", "/openapi.json", "/pipelines", "/raw", $"/pipelines/{Model}"];
            foreach (var path in paths)
            {
                (await AskAsync(HttpMethod.Get, path)).Status.Should().Be(HttpStatusCode.OK, path);
            }
            await CommandAsync(keep: true, ["keys", "list", .. ofData]);
            await CommandAsync(keep: true, ["audit", .. ofData]);
            await CommandAsync(keep: true, ["runs", .. ofData]);
            var backup = Path.Combine(folder, "backup.tar.gz");
            await CommandAsync(keep: true, ["backup", backup, .. ofData]);
            written.AddRange(await StoredTexts.OfAsync(connection.Storage!));
            await KeepBackupAsync(backup);
            KeepFolder(data);
            written.Add(("output", host.Output));
            written.Add(("errors", host.Errors));
        }

        written.Should().HaveCountGreaterThan(50).And.Contain(one => one.Where.StartsWith("table audit", StringComparison.Ordinal))
            .And.Contain(one => one.Where.StartsWith("backup", StringComparison.Ordinal))
            .And.Contain(one => one.Where.StartsWith("blob artifacts", StringComparison.Ordinal));
        written.WhereIs(AdminKey).Should().BeEmpty();
        written.WhereIs(SlackEndpoint.Secret).Should().BeEmpty();
        written.WhereIs(cookie).Should().BeEmpty();
        written.WhereIs(readerKey[17..]).Should().BeEmpty();
        // The one file of this machine's user that lets its commands in; storage's key is the emulator's, which everybody knows.
        written.WhereIs(machineKey).Should().Equal($"file {Path.Combine(data, "host.json")}");
        written.WhereIs(storageKey).Should().OnlyContain(where => where == $"file {Path.Combine(data, "host.json")}");
    }

    public void Dispose()
    {
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private async Task<string> SignInAsync()
    {
        foreach (var key in new[] { "mlops_wrong", AdminKey })
        {
            var form = new Dictionary<string, string> { ["key"] = key, ["return"] = "/models" };
            using var answer = await http.PostAsync("/signin", new FormUrlEncodedContent(form));
            written.Add(("sign-in", await answer.Content.ReadAsStringAsync()));
            if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
            {
                return cookies.Single().Split(';')[0].Split('=', 2)[1];
            }
        }
        throw new InvalidOperationException("The key did not sign in.");
    }

    /// <summary>Keys where they do not fit, and ways in that fail.</summary>
    private async Task RefusalsAsync(string readerKey)
    {
        (await AskAsync(HttpMethod.Get, $"/models?code={AdminKey}x", key: null)).Status.Should().Be(HttpStatusCode.Unauthorized);
        (await AskAsync(HttpMethod.Get, $"/no/such/route?code={AdminKey}", key: null)).Status.Should().Be(HttpStatusCode.NotFound);
        (await AskAsync(HttpMethod.Post, $"/predict?code={AdminKey}", key: null, "{\"features\": {")).Status.Should().Be(HttpStatusCode.BadRequest);
        (await AskAsync(HttpMethod.Put, "/pipelines/x", key: readerKey, "{\"target\": \"y\"}")).Status.Should().Be(HttpStatusCode.Forbidden);
        (await AskAsync(HttpMethod.Post, "/models/x/rollback", key: AdminKey, "{\"from\": 1}")).Status.Should().Be(HttpStatusCode.NotFound);
        (await AskAsync(HttpMethod.Delete, "/models/x", key: AdminKey)).Status.Should().Be(HttpStatusCode.NotFound);
    }

    private async Task<string> RunAsync(string target, string file, string csv)
    {
        var model = target == "fare" ? Model : "broken";
        var definition = $$"""{"target": "{{target}}", "candidates": [{"trainer": "lightgbm", "trees": 5}]}""";
        (await AskAsync(HttpMethod.Put, $"/pipelines/{model}", AdminKey, definition)).Status.Should().Be(HttpStatusCode.Created);
        (await AskAsync(HttpMethod.Put, $"/raw/{model}/{file}", AdminKey, csv)).Status.Should().Be(HttpStatusCode.Created);
        var (status, answer) = await AskAsync(HttpMethod.Post, $"/pipelines/{model}/runs", AdminKey, $$"""{"source": "raw/{{model}}/{{file}}"}""");
        status.Should().Be(HttpStatusCode.Accepted, answer);
        var run = System.Text.Json.JsonDocument.Parse(answer).RootElement.GetProperty("runId").GetString();
        var last = "";
        await Eventually.IsTrueAsync(
            async () => !((last = (await AskAsync(HttpMethod.Get, $"/runs/{run}")).Text).Contains("\"state\":\"running\"", StringComparison.Ordinal)
                || last.Contains("\"state\":\"queued\"", StringComparison.Ordinal)),
            () => last, TimeSpan.FromSeconds(90));
        return last;
    }

    private async Task<(HttpStatusCode Status, string Text)> AskAsync(HttpMethod method, string path, string? key = AdminKey, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) };
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        written.Add(($"answer {method} {path.Split('?')[0]}", $"{answer.Headers}{text}"));
        return (answer.StatusCode, text);
    }

    private async Task<string> CommandAsync(bool keep, params string[] arguments)
    {
        var (code, output, errors) = await LocalProcess.RunAsync(arguments);
        code.Should().Be(0, errors);
        written.Add(($"command {arguments[0]}", keep ? output + errors : errors));
        return output;
    }

    private async Task KeepBackupAsync(string backup)
    {
        await using var archive = new TarReader(new GZipStream(File.OpenRead(backup), CompressionMode.Decompress));
        while (await archive.GetNextEntryAsync() is { } entry)
        {
            using var content = new MemoryStream();
            await (entry.DataStream ?? Stream.Null).CopyToAsync(content);
            written.Add(($"backup {entry.Name}", Encoding.Latin1.GetString(content.ToArray())));
        }
    }

    private void KeepFolder(string data)
    {
        // Lock files are held by their owners for themselves: there is nothing in them.
        foreach (var file in Directory.EnumerateFiles(data, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            using var content = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new MemoryStream();
            content.CopyTo(copy);
            written.Add(($"file {file}", Encoding.Latin1.GetString(copy.ToArray())));
        }
    }
}
