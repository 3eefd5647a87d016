using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Data;
using MlOps.Testing;
using MlOps.Web.Access;
using MlOps.Web.Answers;

namespace MlOps.Web.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class HealthApiTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_ping_is_answered_whatever_storage_does()
    {
        await using var host = await WebHost.StartAsync(
            Unreachable.Storage(Unreachable.FreePort(), retries: 0), services => services.AddSingleton(new AccessOptions()));
        using var answer = await host.Client.GetAsync("/ping");

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync()).Should().Be("\n", "MLflow's scoring server says so");
    }

    [Fact]
    public async Task Health_names_the_loaded_production_models()
    {
        await Registry.AddProductionAsync(Model);
        (await Client.GetStringAsync("/health")).Should().Be("""{"status":"healthy","storage":"ok","models":[]}""");

        await Client.PostJsonAsync("/predict", $"{{\"model\": \"{Model}\", \"features\": {{}}}}").ShouldBeAsync(HttpStatusCode.OK);

        (await Client.GetStringAsync("/health")).Should().Be($$$"""{"status":"healthy","storage":"ok","models":[{"model":"{{{Model}}}","version":1}]}""");
    }

    [Fact]
    public async Task However_many_ask_storage_is_asked_once_a_second()
    {
        var (pings, time) = (new CountedPings(), new StoppedClock());
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        blobs.AddPolicy(pings, HttpPipelinePosition.PerCall);
        tables.AddPolicy(pings, HttpPipelinePosition.PerCall);
        var storage = new PipelineStorage(new BlobServiceClient(Azurite.ConnectionString, blobs), new TableServiceClient(Azurite.ConnectionString, tables));
        await using var host = await WebHost.StartAsync(
            storage, services => services.AddSingleton(new HealthProbe(storage, new WebOptions { HealthTimeout = TimeSpan.FromSeconds(60) }, time)));

        for (var second = 1; second <= 3; second++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => host.Client.GetAsync("/health")));

            answers.Should().OnlyContain(answer => answer.StatusCode == HttpStatusCode.OK);
            pings.Count.Should().Be(second);
            time.GoOn(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public async Task Storage_that_is_down_makes_unhealthy_soon()
    {
        await using var host = await WebHost.StartAsync(Unreachable.Storage(Unreachable.FreePort()));
        var clock = Stopwatch.StartNew();

        var body = await host.Client.GetAsync("/health").ShouldBeAsync(HttpStatusCode.ServiceUnavailable);

        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(10), "the client's own retries would go on for longer");
        ((string)body["status"]!).Should().Be("unhealthy");
        body["reasons"]!.AsArray().Should().ContainSingle().Which!.GetValue<string>().Should().StartWith("storage: ");
    }

    [Fact]
    public async Task Storage_that_hangs_makes_unhealthy_soon()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var host = await WebHost.StartAsync(Unreachable.Storage(((IPEndPoint)silent.LocalEndpoint).Port));

        var body = await host.Client.GetAsync("/health").WaitAsync(TimeSpan.FromSeconds(20)).ShouldBeAsync(HttpStatusCode.ServiceUnavailable);

        body["reasons"]![0]!.GetValue<string>().Should().Contain("no answer within 2 s");
    }

    [Fact]
    public async Task A_wrong_account_key_is_told_without_the_key()
    {
        const string WrongKey = "d3JvbmcgYWNjb3VudCBrZXkgb2YgdGhpcyB0ZXN0";
        var account = Azurite.ConnectionString.Split(';')
            .Select(part => part.StartsWith("AccountKey=", StringComparison.Ordinal) ? $"AccountKey={WrongKey}" : part);
        var connection = string.Join(';', account);
        await using var host = await WebHost.StartAsync(new PipelineStorage(new BlobServiceClient(connection), new TableServiceClient(connection)));

        var body = await host.Client.GetAsync("/health").ShouldBeAsync(HttpStatusCode.ServiceUnavailable);

        body.ToJsonString().Should().Contain("connection string").And.NotContain(WrongKey);
    }

    /// <summary>What passes on it is what the test says, however slow the machine is.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        private long passed;

        public override long GetTimestamp() => Volatile.Read(ref passed);

        public void GoOn(TimeSpan by) => Interlocked.Add(ref passed, (long)(by.TotalSeconds * TimestampFrequency));
    }

    /// <summary>The row that <see cref="PipelineStorage.PingAsync"/> reads, and nobody else.</summary>
    private sealed class CountedPings : HttpPipelineSynchronousPolicy
    {
        private int count;

        public int Count => Volatile.Read(ref count);

        public override void OnSendingRequest(HttpMessage message)
        {
            if (message.Request.Uri.ToString().Contains("PartitionKey='ping'", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref count);
            }
        }
    }
}
