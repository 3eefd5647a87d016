using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Models;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>A host with models that are really trained, one of each kind, for all tests of a class.</summary>
public sealed class TrainedModels(AzuriteFixture azurite) : IAsyncLifetime
{
    internal WebHost Host { get; private set; } = null!;

    internal HttpClient Client => Host.Client;

    /// <summary>Numbers from a number, a word, a flag and a time.</summary>
    public string Price { get; } = AzuriteFixture.UniqueModel("price");

    /// <summary>Numbers from two numbers.</summary>
    public string Area { get; } = AzuriteFixture.UniqueModel("area");

    /// <summary>0 or 1.</summary>
    public string Bought { get; } = AzuriteFixture.UniqueModel("bought");

    /// <summary>Three words.</summary>
    public string Kind { get; } = AzuriteFixture.UniqueModel("kind");

    public async Task InitializeAsync()
    {
        Host = await WebHost.StartAsync(azurite.NewStorage(), services => services
            .Replace(ServiceDescriptor.Singleton<IScorerLoader, ArtifactScorerLoader>())
            .Replace(ServiceDescriptor.Singleton<IPipelineEngine, InlineEngine>()));
        await TrainAsync(Price, row => (2 + (3 * row.Size) + (row.Colour == "red" ? 5 : 0)).ToString("0.00", CultureInfo.InvariantCulture));
        await TrainAsync(Area, row => (row.Size * row.Width).ToString("0.00", CultureInfo.InvariantCulture), numbersOnly: true);
        await TrainAsync(Bought, row => row.Size > 5 ? "1" : "0");
        await TrainAsync(Kind, row => row.Size < 3 ? "small" : row.Size < 6 ? "mid" : "large");
    }

    public async Task DisposeAsync() => await Host.DisposeAsync();

    private async Task TrainAsync(string model, Func<(double Size, double Width, string Colour), string> answer, bool numbersOnly = false)
    {
        var random = new Random(7);
        var csv = new StringBuilder(numbersOnly ? "size,width,target\n" : "size,width,colour,fresh,day,target\n");
        for (var i = 0; i < 300; i++)
        {
            var row = (
                Size: Math.Round(random.NextDouble() * 10, 3), Width: Math.Round(random.NextDouble() * 4, 2), Colour: random.Next(2) == 0 ? "red" : "blue");
            // Some cells are missing, so that one may be when it is asked for.
            var width = i % 10 == 0 ? "" : row.Width.ToString(CultureInfo.InvariantCulture);
            csv.Append(
                CultureInfo.InvariantCulture,
                $"{row.Size},{width}{(numbersOnly ? "" : $",{row.Colour},{(i % 3 == 0 ? "true" : "false")},2026-01-{1 + (i % 28):00}")},{answer(row)}\n");
        }
        await Client.PutAsync($"/raw/{model}/rows.csv", new StringContent(csv.ToString())).ShouldBeAsync(HttpStatusCode.Created);
        var features = numbersOnly ? "" : """, "features": {"dateParts": ["day"]}""";
        await Client.PutJsonAsync(
            $"/pipelines/{model}", $$"""
                {"target": "target"{{features}}, "candidates": [{"trainer": "lightgbm", "trees": 20, "minRowsPerLeaf": 5}], "train": {"folds": 0},
                 "columns": {"width": {"kind": "numeric", "impute": "median"} } }
                """)
            .ShouldBeAsync(HttpStatusCode.Created);
        var run = await Client.PostAsync($"/pipelines/{model}/runs", null).ShouldBeAsync(HttpStatusCode.Accepted);
        var ended = await Client.GetAsync($"/runs/{run["runId"]}").ShouldBeAsync(HttpStatusCode.OK);
        ((string)ended["state"]!).Should().Be("succeeded", ended.ToJsonString());
    }
}
