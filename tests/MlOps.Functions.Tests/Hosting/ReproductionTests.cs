using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Functions.Hosting;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web;

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
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["AzureWebJobsStorage"] = azurite.ConnectionString, ["Access:Open"] = "true" });
        builder.ConfigureFunctionsWebApplication();
        builder.Services.AddMlOpsApp(builder.Configuration);
        using var app = builder.Build();
        await app.Services.GetRequiredService<PipelineStorage>().EnsureCreatedAsync(default);
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
        await using var call = app.Services.CreateAsyncScope();
        using var answer = new MemoryStream();
        var http = new DefaultHttpContext
        {
            RequestServices = call.ServiceProvider,
            Request = { Method = method, Path = $"/runs/{run.RunId}/reproduction", Host = new HostString("127.0.0.1") },
            Response = { Body = answer },
        };

        await app.Services.GetRequiredService<WebPipeline>().RunAsync(http, default);

        var problem = JsonNode.Parse(answer.ToArray())!;
        (http.Response.StatusCode, (int)problem["status"]!).Should().Be((501, 501));
        ((string)problem["detail"]!).Should().Contain($"mlops reproduce {run.RunId} --storage ACCOUNT");
    }
}
