namespace MlOps.Web.Dashboard;

/// <summary>Programs that ask for a prediction, to be copied: of the version in production, which is what a program should ask.</summary>
internal static class CodeSnippets
{
    /// <summary>Where a row's JSON stands; the script fills in what the reader tries.</summary>
    public const string Features = "{features}";

    private const string Curl = """
        curl -X POST {origin}/predict \
          -H 'Authorization: Bearer KEY' -H 'Content-Type: application/json' \
          -d '{"model": "{model}", "features": {features}}'
        """;

    private const string CSharp = """"
        using System.Net.Http.Headers;
        using System.Text;

        using var client = new HttpClient { BaseAddress = new Uri("{origin}") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "KEY");
        var row = """{"model": "{model}", "features": {features}}""";
        using var answer = await client.PostAsync("/predict", new StringContent(row, Encoding.UTF8, "application/json"));
        Console.WriteLine(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        """";

    private const string Python = """
        import json, urllib.request

        row = '''{"model": "{model}", "features": {features}}'''
        request = urllib.request.Request(
            "{origin}/predict", row.encode(), {"Authorization": "Bearer KEY", "Content-Type": "application/json"})
        print(json.load(urllib.request.urlopen(request)))
        """;

    /// <param name="origin">The host's address.</param>
    /// <param name="model">The model.</param>
    public static IReadOnlyList<Snippet> Of(string origin, string model) =>
    [
        new("curl", "curl", Fill(Curl, origin, model)), new("C#", "csharp", Fill(CSharp, origin, model)), new("Python", "python", Fill(Python, origin, model)),
    ];

    private static string Fill(string code, string origin, string model) =>
        code.Replace("{origin}", origin, StringComparison.Ordinal).Replace("{model}", model, StringComparison.Ordinal);
}

/// <param name="Language">In what it is written.</param>
/// <param name="Id">Its name within a page.</param>
/// <param name="Code">The program.</param>
internal sealed record Snippet(string Language, string Id, string Code);
