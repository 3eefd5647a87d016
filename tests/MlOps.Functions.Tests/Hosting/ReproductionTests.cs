using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Hosting;

/// <summary>The app has no place where a storage of its own could be: it says who can run a run again.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ReproductionTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData("POST")]
    [InlineData("GET")]
    public async Task A_run_is_not_run_again_here_and_the_answer_names_the_command(string method)
    {
        await using var app = await AnsweringApp.StartAsync(azurite);
        var run = new Run
        {
            RunId = RunId.New(AzuriteFixture.UniqueModel(), DateTimeOffset.UtcNow),
            Model = "",
            State = RunState.Succeeded,
            DefinitionId = "",
            Source = "a.csv",
            Trigger = RunTriggers.Http,
            Created = DateTimeOffset.UtcNow,
        };
        run = run with { Model = RunId.ModelOf(run.RunId)! };
        await app.Services.GetRequiredService<RunStore>().CreateAsync(run, default);

        var (status, _, text) = await app.AskAsync(method, $"/runs/{run.RunId}/reproduction");

        var problem = JsonNode.Parse(text)!;
        (status, (int)problem["status"]!).Should().Be((501, 501));
        ((string)problem["detail"]!).Should().Contain($"mlops reproduce {run.RunId} --storage ACCOUNT");
    }
}
