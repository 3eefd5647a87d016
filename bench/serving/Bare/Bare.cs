using System.Text.Json;

// What answers as fast as ASP.NET Core can: it parses the same body, and answers a constant.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var app = builder.Build();
byte[] answer = """{"model":"taxi","version":1,"prediction":12.5}"""u8.ToArray();
app.MapPost("/predict", async (HttpContext http) =>
{
    using var body = await JsonDocument.ParseAsync(http.Request.Body, default, http.RequestAborted);
    var features = body.RootElement.GetProperty("features");
    var sum = 0.0;
    foreach (var feature in features.EnumerateObject())
    {
        sum += feature.Value.ValueKind == JsonValueKind.Number ? feature.Value.GetDouble() : feature.Value.GetString()!.Length;
    }
    http.Response.ContentType = "application/json";
    http.Response.ContentLength = sum >= 0 ? answer.Length : 0;
    await http.Response.Body.WriteAsync(answer, http.RequestAborted);
});
app.Run();
