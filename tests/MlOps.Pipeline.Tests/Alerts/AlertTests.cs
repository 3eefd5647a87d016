using System.Collections.Concurrent;
using System.Diagnostics;
using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Alerts;

[Collection(AzuriteFixture.Collection)]
public sealed class AlertTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_promotion_is_told_once_with_model_run_version_numbers_and_link()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack);
        var definition = Trips.Definition();

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 71)));

        var alert = run.Alerts.Should().ContainSingle().Subject;
        alert.Kind.Should().Be(AlertKind.PromotionSucceeded);
        alert.Deliveries.Should().Equal(new AlertDelivery("slack", AlertState.Sent));
        var message = slack.Calls.Should().ContainSingle().Subject.Message;
        message.GetProperty("blocks")[0].GetProperty("type").GetString().Should().Be("header");
        message.GetProperty("blocks")[0].GetProperty("text").GetProperty("text").GetString().Should().Be($"{definition.Model}: version 1 is in production");
        var fields = message.GetProperty("blocks")[1].GetProperty("fields").EnumerateArray().Select(field => field.GetProperty("text").GetString()!).ToList();
        fields.Should()
            .Contain($"*Model*\n{definition.Model}").And.Contain($"*Run*\n{run.Run.RunId}").And.Contain("*Version*\n1").And.Contain(
                field => field.StartsWith("*val_rmse*\n", StringComparison.Ordinal));
        message.GetRawText().Should().Contain($"https://mlops.example/runs/{run.Run.RunId}");
    }

    [Fact]
    public async Task Failed_gates_and_drift_are_told_and_the_block_names_both_causes()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack);
        var definition = Trips.Definition() with { Gates = new GateRules { AtMost = 0.0001, Drift = DriftGate.Block, DriftShare = 0 } };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 72)));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Alerts.Select(alert => (alert.Kind, alert.State)).Should().Equal(
            (AlertKind.ValidationFailed, AlertState.Sent), (AlertKind.DriftDetected, AlertState.Sent), (AlertKind.PromotionBlocked, AlertState.Sent));
        run.Alerts[2].Title.Should().EndWith("was not promoted: poor metrics and data drift");
        slack.Calls.Should().HaveCount(3);
        slack.Calls.Last().Message.GetRawText().Should().Contain("rmse: ").And.Contain("drift: ");
    }

    [Fact]
    public async Task A_failed_run_is_told_with_its_error()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack);

        var run = await host.RunAsync(Trips.Definition() with { Target = "nothing" }, host.WriteFile("trips.csv", Trips.Csv(100, seed: 73)));

        run.Run.State.Should().Be(RunState.Failed);
        run.Alerts.Single().Kind.Should().Be(AlertKind.RunFailed);
        run.Alerts.Single().Reasons.Single().Should().Contain("'nothing'");
        slack.Calls.Should().ContainSingle();
    }

    [Fact]
    public async Task Without_a_webhook_alerts_are_kept_on_the_run_as_not_sent()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(500, seed: 74)));

        run.Alerts.Single().Deliveries.Should().Equal(new AlertDelivery("slack", AlertState.NotSent, "No Slack webhook is set."));
        run.Alerts.Single().State.Should().Be(AlertState.NotSent);
    }

    [Fact]
    public async Task A_429_is_tried_again_after_the_time_that_Slack_names()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (call, context, _) =>
        {
            context.Response.StatusCode = call == 1 ? 429 : 200;
            context.Response.Headers.RetryAfter = "2";
            return Task.CompletedTask;
        };
        await using var host = HostOf(slack);

        var alert = await TellAsync(host);

        alert.State.Should().Be(AlertState.Sent);
        var times = slack.Calls.Select(call => call.At).ToList();
        times.Should().HaveCount(2);
        (times[1] - times[0]).Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(1.9));
    }

    [Fact]
    public async Task A_500_is_tried_again_until_the_attempts_are_used_up()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (_, context, _) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        await using var host = HostOf(slack);

        var alert = await TellAsync(host);

        alert.Deliveries.Should().Equal(new AlertDelivery("slack", AlertState.Failed, "Slack answered 500."));
        slack.Calls.Should().HaveCount(3);
    }

    [Fact]
    public async Task A_Slack_that_hangs_costs_one_timeout_and_the_message_is_not_repeated()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (_, _, stopping) => Task.Delay(Timeout.InfiniteTimeSpan, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        await using var host = HostOf(slack, options => options with { AttemptTimeout = TimeSpan.FromSeconds(1), Timeout = TimeSpan.FromSeconds(3) });
        var clock = Stopwatch.StartNew();

        var alert = await TellAsync(host);

        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(10));
        alert.State.Should().Be(AlertState.Failed);
        alert.Deliveries.Single().Problem.Should().StartWith("Slack did not answer in time");
        slack.Calls.Should().ContainSingle();
    }

    [Fact]
    public async Task A_dead_Slack_fails_no_run()
    {
        Uri closed;
        await using (var slack = await SlackEndpoint.StartAsync())
        {
            closed = slack.Url;
        }
        await using var host = HostOf(slack: null, options => options with { SlackWebhookUrl = closed });

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(500, seed: 75)));

        run.Run.State.Should().Be(RunState.Succeeded);
        run.Alerts.Single().Deliveries.Single().Problem.Should().Be("Slack could not be reached (ConnectionError).");
    }

    [Fact]
    public async Task The_same_alert_of_a_run_is_sent_once_however_often_and_from_how_many_hosts_it_is_told()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var one = HostOf(slack);
        await using var two = HostOf(slack);
        var runId = await NewRunAsync(one);
        var input = new AlertInput(AlertKind.DriftDetected, [new Reason("drift: all of it", GateKind.Drift)]);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? one : two).Get<AlertStage>().RunAsync(one.Context(runId), input, default)));

        slack.Calls.Should().ContainSingle();
        (await one.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single().State.Should().Be(AlertState.Sent);
    }

    [Fact]
    public async Task An_alert_that_a_dead_host_claimed_is_not_sent_again()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack);
        var runId = await NewRunAsync(host);
        var claimed = new Alert(AlertKind.RunFailed, "t", [], DateTimeOffset.UnixEpoch, [new AlertDelivery("slack", AlertState.Sending)]);
        await host.Get<AlertStore>().TryClaimAsync(runId, claimed, default);

        await host.Get<AlertStage>().RunAsync(host.Context(runId), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);

        slack.Calls.Should().BeEmpty();
        (await host.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single().State.Should().Be(AlertState.Sending);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public async Task An_alert_whose_claim_was_not_answered_is_sent_all_the_same(int retriesOfTheClient)
    {
        await using var slack = await SlackEndpoint.StartAsync();
        var lossy = new AnswerLost((method, path) => method == "POST" && path.EndsWith("/runrecords", StringComparison.Ordinal));
        await using var host = HostOf(slack, configure: services => services.AddSingleton(lossy.Storage(azurite, retriesOfTheClient)));
        var runId = await NewRunAsync(host);
        var input = new AlertInput(AlertKind.RunFailed, [new Reason("why")]);
        var tell = () => host.Get<AlertStage>().RunAsync(host.Context(runId), input, default);

        if (retriesOfTheClient == 0)
        {
            await tell.Should().ThrowAsync<Azure.RequestFailedException>("the engine tries the stage again");
        }
        await tell();
        await tell();

        lossy.Lost.Should().Be(1);
        slack.Calls.Should().ContainSingle();
        (await host.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single().State.Should().Be(AlertState.Sent);
    }

    [Fact]
    public async Task An_alert_that_was_sent_while_storage_went_away_is_kept_as_sent_and_not_sent_again()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var gate = new StorageGate(azurite.ConnectionString);
        slack.Answer = (_, _, _) =>
        {
            gate.Close();
            return Task.CompletedTask;
        };
        await using var host = HostOf(slack, configure: services => services.AddSingleton(gate.NewStorage()));
        var runId = await NewRunAsync(host);
        var tell = () => host.Get<AlertStage>().RunAsync(host.Context(runId), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);

        await tell.Should().ThrowAsync<Exception>("the engine tries the stage again");
        await tell.Should().ThrowAsync<Exception>("storage is still away");
        gate.Open();
        await tell();

        slack.Calls.Should().ContainSingle();
        (await host.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single().State.Should().Be(AlertState.Sent);
    }

    [Fact]
    public async Task The_webhook_is_in_no_log_and_no_record()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        slack.Answer = (_, context, _) =>
        {
            context.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        var log = new Recording();
        await using var host = HostOf(slack, configure: services => services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(log)));
        var runId = await NewRunAsync(host);

        await host.Get<AlertStage>().RunAsync(host.Context(runId), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);

        log.Lines.Should()
            .Contain(line => line.Contains("was not sent through slack: Slack answered 500", StringComparison.Ordinal)).And.NotContain(
                line => line.Contains(SlackEndpoint.Secret, StringComparison.Ordinal));
        host.Get<AlertOptions>().ToString().Should().NotContain(SlackEndpoint.Secret);
        await foreach (var row in host.Storage.RunRecords.QueryAsync<TableEntity>(row => row.PartitionKey == runId))
        {
            row.Select(cell => cell.Value?.ToString()).Should()
                .NotContain(text => text != null && text.Contains(SlackEndpoint.Secret, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("https://mlops.example", "<https://mlops.example/runs/")]
    [InlineData("https://mlops.example/", "<https://mlops.example/runs/")]
    [InlineData("https://gateway.example/team/mlops/", "<https://gateway.example/team/mlops/runs/")]
    public async Task The_link_leads_below_the_address_that_the_host_has(string baseUrl, string link)
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack, options => options with { BaseUrl = new Uri(baseUrl) });

        await host.Get<AlertStage>().RunAsync(host.Context(await NewRunAsync(host)), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);

        slack.Calls.Single().Message.ToString().Should().Contain(link);
    }

    [Fact]
    public async Task Names_from_data_cannot_call_a_channel_and_long_ones_fit_Slacks_limits()
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = HostOf(slack);
        var runId = await NewRunAsync(host);

        await host.Get<AlertStage>()
            .RunAsync(
                host.Context(runId),
                new AlertInput(AlertKind.DriftDetected, [new Reason("drift: <!channel> & more"), .. Enumerable.Repeat(new Reason(new string('x', 900)), 30)]),
                default);

        var text = slack.Calls.Single().Message.GetProperty("blocks")[2].GetProperty("text").GetProperty("text").GetString()!;
        text.Should().Contain("&lt;!channel&gt; &amp; more").And.NotContain("<!channel>");
        text.Length.Should().BeLessThanOrEqualTo(3000);
    }

    private PipelineHost HostOf(SlackEndpoint? slack, Func<AlertOptions, AlertOptions>? change = null, Action<IServiceCollection>? configure = null)
    {
        var options = new AlertOptions
        {
            SlackWebhookUrl = slack?.Url,
            BaseUrl = new Uri("https://mlops.example"),
            FirstDelay = TimeSpan.FromMilliseconds(20),
            Attempts = 3,
        };
        options = change?.Invoke(options) ?? options;
        return new PipelineHost(azurite, services =>
        {
            services.AddSingleton(options);
            configure?.Invoke(services);
        });
    }

    private static async Task<string> NewRunAsync(PipelineHost host)
    {
        var model = AzuriteFixture.UniqueModel();
        var runId = RunId.New(model, DateTimeOffset.UtcNow);
        await host.Get<RunStore>().CreateAsync(
            new Run
            {
                RunId = runId,
                Model = model,
                State = RunState.Running,
                DefinitionId = "d",
                Source = "s",
                Trigger = "test",
                Created = DateTimeOffset.UtcNow,
            },
            default);
        return runId;
    }

    private static async Task<Alert> TellAsync(PipelineHost host)
    {
        var runId = await NewRunAsync(host);
        await host.Get<AlertStage>().RunAsync(host.Context(runId), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);
        return (await host.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single();
    }

    private sealed class Recording : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull
        {
            Lines.Enqueue(state.ToString()!);
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
