using System.Net;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Contracts;

/// <summary>Whatever is wrong with what a stage reads, a person is told in our words.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class StageFaultTextTests(AzuriteFixture azurite)
{
    private static readonly string[] Damages = ["gone", "refused", "garbage", "empty", "cut"];

    /// <summary>Stages that read what the network damages; the others read tables alone, or go on without what cannot be read.</summary>
    private static readonly string[] Readers =
    [
        "ingest", "expect", "clean-part", "clean", "features", "split", "train", "validate", "drift-part", "drift", "promote", "explain", "model-card",
        "score-part", "score",
    ];

    [Fact]
    public async Task Faults_of_every_stage_are_told_in_our_words()
    {
        await using var host = new PipelineHost(azurite, InParts);
        var definition = Trips.Definition() with
        {
            Expect = new ExpectRules { Ranges = new Dictionary<string, RangeRule> { ["passengers"] = new(Min: 1) } },
            Gates = new GateRules { Approval = new ApprovalRule(Required: true) },
        };
        await host.Storage.Raw.GetBlobClient($"{definition.Model}/trips.csv").UploadAsync(BinaryData.FromString(Trips.Csv(300)));
        var now = DateTimeOffset.UtcNow;
        var run = new Run
        {
            RunId = RunId.New(definition.Model, now),
            Model = definition.Model,
            State = RunState.Running,
            DefinitionId = await host.Get<DefinitionStore>().PutAsync(definition, default),
            Source = $"raw/{definition.Model}/trips.csv",
            Trigger = "test",
            Created = now,
        };
        await host.Get<RunStore>().CreateAsync(run, default);
        var approved = new ApprovalDecision(Approved: true).ToPayload();
        var orchestration = new Probing(
            azurite, new InlineOrchestration(RunStarter.Plan(run, definition), host.Get<StageRunner>(), approved, scalesOut: true));

        await TrainingPipeline.RunAsync(orchestration);
        await orchestration.ProbeAsync(PipelineStages.Quarantine, new QuarantineInput("Not a table."), "");
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var raw = await host.Get<DatasetStore>().GetAsync(version.Lineage.Raw, default);
        for (var part = 0; part < raw.Parts.Count; part++)
        {
            await orchestration.RunAsync(PipelineStages.ScorePart, new ScorePartInput(raw.Ref, part, 1), $"{part}");
        }
        await orchestration.RunAsync(PipelineStages.Score, new ScoreInput(raw.Ref, 1));
        var order = new CanaryOrder(Version: 1, Production: 1);
        await orchestration.ProbeAsync(PipelineStages.CanaryShift, new CanaryShiftInput(order, Percent: 10, IsFirst: true), "10");
        await orchestration.ProbeAsync(PipelineStages.CanaryJudge, new CanaryJudgeInput(order, Percent: 10, IsLast: true), "10");
        await orchestration.ProbeAsync(PipelineStages.CanaryEnd, new CanaryEndInput(order, Promote: false, "Nobody wants it."), "");

        (await host.Get<RunStore>().FindAsync(run.RunId, default))!.State.Should().Be(RunState.Succeeded);
        orchestration.Probed.Should().BeEquivalentTo(PipelineStages.All.Select(stage => stage.Name), "a new stage is tried here as well");
        orchestration.Faults.Select(fault => fault.Stage).Distinct().Should().Contain(Readers);
        orchestration.Faults.Select(fault => fault.Damage).Distinct().Should().BeEquivalentTo(Damages);
        foreach (var (stage, damage, fault) in orchestration.Faults)
        {
            FaultTextTests.ShouldReadWell(FaultText.Of(fault), $"{stage}, {damage}: {fault}");
        }
    }

    private static void InParts(IServiceCollection services) =>
        services.ChangeOptions(options => options with { RowsPerPart = 100 }).AddSingleton<ITrafficEvidence>(new FakeEvidence());

    /// <summary>Runs each stage with damaged storage first, in a host that has nothing in its own cache, and then as it is.</summary>
    private sealed class Probing(AzuriteFixture azurite, InlineOrchestration inner) : IOrchestration
    {
        private readonly List<(string Stage, string Damage, Exception Fault)> faults = [];
        private readonly HashSet<string> probed = new(StringComparer.Ordinal);

        /// <summary>Names of the stages that were tried.</summary>
        public IReadOnlyCollection<string> Probed => probed;

        public IReadOnlyList<(string Stage, string Damage, Exception Fault)> Faults
        {
            get
            {
                lock (faults)
                {
                    return [.. faults];
                }
            }
        }

        public RunInput Run => inner.Run;

        public bool ScalesOut => inner.ScalesOut;

        public async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput input, string key = "")
            where TOutput : IStageOutput
        {
            await ProbeAsync(stage, input, key);
            return await inner.RunAsync(stage, input, key);
        }

        public Task<string?> WaitForEventAsync(string name, TimeSpan timeout) => inner.WaitForEventAsync(name, timeout);

        /// <summary>Tries a stage once: one part of a table is as another.</summary>
        public async Task ProbeAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput input, string key)
            where TOutput : IStageOutput
        {
            lock (faults)
            {
                if (!probed.Add(stage.Name))
                {
                    return;
                }
            }
            foreach (var damage in Damages)
            {
                using var network = new DamagedReads(damage);
                await using var host = new PipelineHost(azurite, services => InParts(services.AddSingleton(network.Storage(azurite))));
                var call = new StageCall<TInput>(Run.RunId, Run.DefinitionId, key, input);
                if (await Record.ExceptionAsync(() => host.Get<StageRunner>().RunAsync(stage, call, default)) is { } fault)
                {
                    lock (faults)
                    {
                        faults.Add((stage.Name, damage, fault));
                    }
                }
            }
        }
    }

    /// <summary>A network on which no data comes as it was stored; tables are as they are.</summary>
    private sealed class DamagedReads(string damage) : DelegatingHandler(new SocketsHttpHandler())
    {
        private static readonly string[] Containers = ["/raw/", "/datasets/", "/artifacts/"];

        public PipelineStorage Storage(AzuriteFixture azurite)
        {
            var blobs = new BlobClientOptions { Transport = new HttpClientTransport(new HttpClient(this, disposeHandler: false)) };
            blobs.Retry.MaxRetries = 0;
            return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString));
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var answer = await base.SendAsync(request, cancellationToken);
            if (request.Method != HttpMethod.Get || !answer.IsSuccessStatusCode
                || !Containers.Any(container => request.RequestUri!.AbsolutePath.Contains(container, StringComparison.Ordinal)))
            {
                return answer;
            }
            switch (damage)
            {
                case "gone":
                    return Refused(HttpStatusCode.NotFound, "BlobNotFound");
                case "refused":
                    return Refused(HttpStatusCode.Forbidden, "AuthorizationFailure");
                default:
                    var bytes = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
                    answer.Content = Replaced(answer.Content, Damaged(bytes));
                    return answer;
            }
        }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException("Nothing here waits for storage on a thread.");

        private byte[] Damaged(byte[] bytes)
        {
            switch (damage)
            {
                case "empty":
                    return [];
                case "cut":
                    return bytes[..(bytes.Length / 2)];
                default:
                    new Random(bytes.Length).NextBytes(bytes);
                    return bytes;
            }
        }

        private static ByteArrayContent Replaced(HttpContent content, byte[] bytes)
        {
            var replaced = new ByteArrayContent(bytes);
            foreach (var (name, values) in content.Headers.Where(header => header.Key is not "Content-Length" and not "Content-MD5"))
            {
                replaced.Headers.TryAddWithoutValidation(
                    name, name == "Content-Range" ? [$"bytes 0-{Math.Max(bytes.Length - 1, 0)}/{bytes.Length}"] : values);
            }
            return replaced;
        }

        private static HttpResponseMessage Refused(HttpStatusCode status, string code)
        {
            var refused = new HttpResponseMessage(status)
            {
                Content = new StringContent($"<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>No.</Message></Error>"),
            };
            refused.Headers.Add("x-ms-error-code", code);
            return refused;
        }
    }
}
