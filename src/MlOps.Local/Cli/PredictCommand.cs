using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Local.Hosting;
using MlOps.Local.Storage;

namespace MlOps.Local.Cli;

/// <summary><c>predict</c>: one row, asked of the running host, or of one started for the moment.</summary>
internal static class PredictCommand
{
    private static readonly Argument<string[]> Pairs = new("column=value") { Description = "The row's columns", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Model = new("--model") { Description = "The model [default: the only one]", HelpName = "NAME" };
    private static readonly Option<string?> Features = new("--features") { Description = "The row as a JSON object", HelpName = "JSON" };

    private static readonly Option<string?> Key = new("--key") { Description = "Whom or what the row is about, to find it again", HelpName = "KEY" };

    private static readonly Option<double?> Interval = new("--interval")
    {
        Description = "Also between what the value lies, or which labels the row may have, with this probability (0.5 to 0.99)",
        HelpName = "LEVEL",
    };

    public static Command Create()
    {
        var command = new Command("predict", "Predict one row with the production version") { Pairs, Model, Features, Key, Interval };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var settings = GlobalOptions.Read(parsed);
        var body = new JsonObject { ["features"] = Row(parsed.GetValue(Features), parsed.GetValue(Pairs) ?? []) };
        if (parsed.GetValue(Model) is { } model)
        {
            body["model"] = model;
        }
        if (parsed.GetValue(Key) is { } about)
        {
            body["key"] = about;
        }
        if (parsed.GetValue(Interval) is { } level)
        {
            body["interval"] = level;
        }
        if (settings.Storage is null && DataFolder.FindHost(settings.DataFolder) is { Url: { } url, Key: var key })
        {
            return await AskAsync(new Uri(url), key, body, cancel);
        }
        await using var storage = await LocalStorage.ReachAsync(settings, new Terminal(isForProgram: true).Say, cancel);
        storage.Publish(url: null);
        await using var host = await LocalHost.StartAsync(settings with { Port = 0, Listen = IPAddress.Loopback }, storage, HostParts.Web, cancel);
        return await AskAsync(host.Url!, host.MachineKey, body, cancel);
    }

    private static async Task<int> AskAsync(Uri host, string? key, JsonObject body, CancellationToken cancel)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var answer = await http.PostAsJsonAsync(new Uri(host, "/predict"), body, cancel);
        var text = await answer.Content.ReadAsStringAsync(cancel);
        if (answer.IsSuccessStatusCode)
        {
            Console.Out.WriteLine(text);
            return ExitCode.Done;
        }
        foreach (var problem in Problems(text))
        {
            await Console.Error.WriteLineAsync(problem);
        }
        return ExitCode.Failed;
    }

    /// <summary>A row from JSON and pairs together. A value that is JSON is meant as such; any other is text.</summary>
    internal static JsonObject Row(string? features, IReadOnlyList<string> pairs)
    {
        var row = features is null
            ? []
            : Parse(features) as JsonObject ?? throw new EnvironmentProblemException("--features must be a JSON object, such as {\"distance\": 3.2}.");
        foreach (var pair in pairs)
        {
            var (name, value) = pair.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (pair[..at], pair[(at + 1)..])
                : throw new EnvironmentProblemException($"'{pair}' is no column=value.");
            row[name] = Parse(value) is JsonValue json ? json : value;
        }
        return row.Count > 0 ? row : throw new EnvironmentProblemException("Give the row's columns as column=value, or as JSON with --features.");
    }

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IReadOnlyList<string> Problems(string text)
    {
        var problem = Parse(text) as JsonObject;
        return problem?["problems"] is JsonArray several
            ? [.. several.Select(one => one!.ToString())]
            : [problem?["detail"]?.ToString() ?? problem?["title"]?.ToString() ?? text];
    }
}
