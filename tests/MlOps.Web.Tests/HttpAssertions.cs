using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MlOps.Web.Tests;

/// <summary>Requests and answers in JSON.</summary>
internal static partial class HttpAssertions
{
    public static JsonSerializerOptions Relaxed { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task<HttpResponseMessage> PostJsonAsync(this HttpClient client, string url, string json) => client.PostAsync(url, Json(json));

    public static Task<HttpResponseMessage> PutJsonAsync(this HttpClient client, string url, string json) => client.PutAsync(url, Json(json));

    /// <summary>The body, after checking the status and that it is valid JSON by the strict rules.</summary>
    public static async Task<JsonNode> ShouldBeAsync(this Task<HttpResponseMessage> pending, HttpStatusCode status)
    {
        using var response = await pending;
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(status, "the body is {0}", text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        return JsonNode.Parse(text)!;
    }

    /// <summary>The problem's detail, after checking status and media type.</summary>
    public static async Task<string> ShouldFailAsync(this Task<HttpResponseMessage> pending, HttpStatusCode status) =>
        (string)(await pending.ShouldBeProblemAsync(status))["detail"]!;

    public static async Task<JsonNode> ShouldBeProblemAsync(this Task<HttpResponseMessage> pending, HttpStatusCode status)
    {
        using var response = await pending;
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.Should().Be(status, "the body is {0}", text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/problem+json");
        var problem = JsonNode.Parse(text)!;
        ((int)problem["status"]!).Should().Be((int)status);
        ((string?)problem["title"]).Should().NotBeNullOrEmpty();
        ((string?)problem["detail"]).Should().NotBeNullOrEmpty();
        return problem;
    }

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    /// <summary>A text without the ids of predictions, which no two have in common.</summary>
    public static string WithoutIds(this string text) => PredictionIds().Replace(text, "ID");

    [GeneratedRegex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")]
    private static partial Regex PredictionIds();
}
