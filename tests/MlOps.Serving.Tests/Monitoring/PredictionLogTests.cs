using System.Net;
using System.Text.RegularExpressions;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Monitoring;

[Collection(AzuriteFixture.Collection)]
public sealed class PredictionLogTests(AzuriteFixture azurite)
{
    private static readonly PredictionLogOptions Never = new() { WriteEvery = TimeSpan.FromHours(1), EnoughBytes = int.MaxValue };
    private static readonly PredictionLogOptions Soon = new() { WriteEvery = TimeSpan.FromMilliseconds(20), RetryAfter = TimeSpan.FromMilliseconds(50) };

    private const string First = """
        "id":"-0","features":{"a": 1}}
        """;

    private const string Second = """
        "id":"-1","features":{"a": 2}}
        """;

    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 2, 30, 0, TimeSpan.Zero));
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task What_was_predicted_is_written_by_hour_when_the_host_stops()
    {
        await using var host = await ServingAsync(Never);
        await host.PredictAsync(model, """{"a": 1}""", """{"a": 2}""");
        clock.Now += TimeSpan.FromHours(1);
        await host.PredictAsync(model, """{"a": 3}""");
        (await LoggedAsync(host)).Should().BeEmpty("it is not time yet");

        await host.StopAsync();

        var logged = await LoggedAsync(host);
        logged.Keys.Should().SatisfyRespectively(
            name => name.Should().MatchRegex($"^{model}/2026/05/04/02/[0-9a-f]{{8}}-[0-9]{{4}}\\.jsonl$"),
            name => name.Should().MatchRegex($"^{model}/2026/05/04/03/[0-9a-f]{{8}}-[0-9]{{4}}\\.jsonl$"));
        logged.First().Value.Select(line => Regex.Replace(line, "\"ms\":[0-9.]+,|[0-9a-f-]{36}", "")).Should().Equal(
            $$$"""{"at":"2026-05-04T02:30:00.000000Z","model":"{{{model}}}","version":1,"variant":"production","prediction":1,{{{First}}}""",
            $$$"""{"at":"2026-05-04T02:30:00.000000Z","model":"{{{model}}}","version":1,"variant":"production","prediction":1,{{{Second}}}""");
        logged.Last().Value.Should().ContainSingle().Which.Should().Contain("""{"a": 3}""");
        host.Log.Waiting.Should().Be(0);
        host.Log.Dropped.Should().Be(0);
    }

    [Fact]
    public async Task A_host_that_goes_on_writes_after_a_moment()
    {
        await using var host = await ServingAsync(Soon);

        await host.PredictAsync(model, """{"a": 1}""");
        await host.WrittenAsync();
        await host.PredictAsync(model, """{"a": 2}""");
        await host.WrittenAsync();

        (await LoggedAsync(host)).Should().ContainSingle().Which.Value.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_killed_host_has_lost_what_waited_and_nothing_that_was_written_before()
    {
        await using var gate = new StorageGate(azurite.ConnectionString);
        await using var host = await ServingAsync(Soon, gate.NewStorage());
        for (var i = 0; i < 20; i++)
        {
            await host.PredictAsync(model, $$"""{"a": {{i}}}""");
        }
        await host.WrittenAsync();

        // Nothing of it reaches storage from here on, as of a process that is killed.
        gate.Close();
        await host.PredictAsync(model, """{"a": 20}""", """{"a": 21}""");

        var kept = (await LoggedPredictions.ReadAsync(azurite.NewStorage(), model)).SelectMany(blob => blob.Value).ToList();
        kept.Select(line => line[(line.LastIndexOf(':') + 2)..^2]).Should().Equal(Enumerable.Range(0, 20).Select(i => $"{i}"));
        host.Log.Waiting.Should().BePositive().And.BeLessThan(Soon.MostBytes, "what is lost is what waited");
    }

    [Fact]
    public async Task Rows_of_many_megabytes_are_written_whole_in_blobs_of_bounded_size()
    {
        await using var host = await ServingAsync(Never with { BlobBytes = 3 * 1024 * 1024 });
        var row = $$"""{"a": "{{new string('x', 1000)}}"}""";
        foreach (var _ in Enumerable.Range(0, 3))
        {
            await host.PredictAsync(model, [.. Enumerable.Repeat(row, 3000)]);
        }

        await host.StopAsync();

        var logged = await LoggedAsync(host);
        logged.Should().HaveCountGreaterThan(1);
        logged.Sum(blob => blob.Value.Length).Should().Be(9000);
        logged.SelectMany(blob => blob.Value).Should().OnlyContain(line => line.EndsWith("xxx\"}}"));
    }

    [Fact]
    public async Task Rows_that_find_no_room_are_dropped_and_counted_and_predictions_go_on()
    {
        await using var host = await ServingAsync(Never with { MostBytes = 2000, MostRowBytes = 500 });

        var first = await host.PredictAsync(model, """{"a": 1}""");
        var tooLarge = await host.PredictAsync(model, $$"""{"a": "{{new string('x', 600)}}"}""");
        for (var i = 0; i < 50; i++)
        {
            (await host.PredictAsync(model, $$"""{"a": {{i}}}""")).Predictions.Should().ContainSingle();
        }

        first.Predictions.Should().ContainSingle();
        tooLarge.Predictions.Should().ContainSingle();
        host.Log.Waiting.Should().BeInRange(1000, 2000);
        host.Log.Dropped.Should().BeInRange(30, 50);
        await host.StopAsync();
        (await LoggedAsync(host)).Sum(blob => blob.Value.Length).Should().Be(52 - (int)host.Log.Dropped);
    }

    [Fact]
    public async Task While_storage_is_down_predictions_go_on_and_what_waits_is_written_later()
    {
        await using var gate = new StorageGate(azurite.ConnectionString);
        await using var host = await ServingAsync(Soon, gate.NewStorage());
        await host.PredictAsync(model, """{"a": 1}""");
        await host.WrittenAsync();

        gate.Close();
        for (var i = 0; i < 20; i++)
        {
            (await host.PredictAsync(model, $$"""{"b": {{i}}}""")).Predictions.Should().ContainSingle();
        }
        await Task.Delay(300);
        var waiting = host.Log.Waiting;
        gate.Open();
        await host.WrittenAsync();

        waiting.Should().BePositive();
        (await LoggedAsync(host)).SelectMany(blob => blob.Value).Should().HaveCount(21);
        host.Log.Dropped.Should().Be(0);
    }

    [Fact]
    public async Task A_host_that_stops_while_storage_is_down_stops_all_the_same_and_counts_what_is_lost()
    {
        await using var gate = new StorageGate(azurite.ConnectionString);
        await using var host = await ServingAsync(Never, gate.NewStorage());
        await host.PredictAsync(model, """{"a": 1}""", """{"a": 2}""");

        gate.Close();
        await host.StopAsync();

        host.Log.Dropped.Should().Be(2);
        gate.Open();
        (await host.PredictAsync(model, """{"a": 3}""")).Predictions.Should().ContainSingle();
        host.Log.Dropped.Should().Be(3);
    }

    [Fact]
    public async Task A_block_whose_answer_got_lost_is_not_written_twice()
    {
        using var lossy = new LossyNetwork();
        var blobs = new BlobClientOptions { Transport = new HttpClientTransport(lossy), Retry = { Delay = TimeSpan.FromMilliseconds(10) } };
        await using var host = await ServingAsync(
            Never, new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString)));
        await host.PredictAsync(model, """{"a": 1}""");

        await host.StopAsync();

        lossy.Lost.Should().Be(1);
        (await LoggedAsync(host)).Should().ContainSingle().Which.Value.Should().ContainSingle();
    }

    [Fact]
    public async Task A_block_that_storage_may_have_is_not_written_again_with_the_rows_that_came_after_it()
    {
        using var lossy = new LossyNetwork();
        var blobs = new BlobClientOptions { Transport = new HttpClientTransport(lossy), Retry = { MaxRetries = 0 } };
        await using var host = await ServingAsync(
            Soon, new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString)));
        lossy.WhenLost = () => host.PredictAsync(model, """{"a": 2}""");
        await host.PredictAsync(model, """{"a": 1}""");
        await host.WrittenAsync();

        lossy.Lost.Should().Be(1);
        var logged = await LoggedAsync(host);
        logged.Should().ContainSingle().Which.Value.Select(line => line[^9..]).Should().Equal("""{"a": 1}}""", """{"a": 2}}""");
    }

    [Fact]
    public async Task Rows_of_a_model_whose_definition_does_not_want_them_kept_are_not()
    {
        await using var host = await ServingAsync(Soon);
        await DefineAsync(host, new MonitorRules { Log = false });

        await host.PredictAsync(model, """{"a": 1}""");
        await host.WrittenAsync();
        await host.PredictAsync(model, """{"a": 2}""");

        host.Log.Waiting.Should().Be(0, "it is known by now");
        (await LoggedAsync(host)).Should().BeEmpty();
        host.Log.Dropped.Should().Be(0);
    }

    [Fact]
    public async Task A_request_that_fails_is_not_logged()
    {
        await using var host = await ServingAsync(Never);
        var refused = () => host.PredictAsync(model, """{"a": 1}""", """{"wrong": 1}""");

        await refused.Should().ThrowAsync<InputException>();

        host.Log.Waiting.Should().Be(0);
    }

    private async Task<MonitorHost> ServingAsync(PredictionLogOptions options, PipelineStorage? storage = null)
    {
        var host = new MonitorHost(azurite, services =>
        {
            services.AddSingleton<TimeProvider>(clock).AddSingleton(options).AddSingleton<IScorerLoader>(new FakeScorers());
            if (storage is not null)
            {
                services.AddSingleton(storage);
            }
        });
        await DefineAsync(host, new MonitorRules());
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        return await host.StartAsync();
    }

    private Task DefineAsync(MonitorHost host, MonitorRules rules) =>
        host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y", Monitor = rules }, default);

    private Task<IReadOnlyDictionary<string, string[]>> LoggedAsync(MonitorHost host) => LoggedPredictions.ReadAsync(host.Get<PipelineStorage>(), model);

    /// <summary>Loses the first answer to an appended block.</summary>
    private sealed class LossyNetwork : DelegatingHandler
    {
        public LossyNetwork() : base(new SocketsHttpHandler()) { }

        public int Lost { get; private set; }

        public Func<Task> WhenLost { get; set; } = () => Task.CompletedTask;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (Lost == 0 && request.RequestUri!.Query.Contains("comp=appendblock", StringComparison.Ordinal))
            {
                Lost++;
                answer.StatusCode.Should().Be(HttpStatusCode.Created);
                answer.Dispose();
                await WhenLost();
                throw new HttpRequestException("The connection was reset.");
            }
            return answer;
        }
    }
}
