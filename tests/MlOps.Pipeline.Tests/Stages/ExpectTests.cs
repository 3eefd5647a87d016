using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Expect;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class ExpectTests(AzuriteFixture azurite)
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_first_version_has_nothing_to_compare_with_and_what_holds_by_itself_still_holds()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Expect = new ExpectRules
            {
                Rows = new RowCountRule(0.5, 2, Consequence.Block),
                SameColumns = Consequence.Block,
                Unique = [new UniqueRule(["vendor"])],
                Ranges = new Dictionary<string, RangeRule> { ["passengers"] = new(1, 9, Consequence.Block) },
            },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(600, seed: 501)));

        run.Run.State.Should().Be(RunState.Succeeded);
        run.Params["expect.rows"].Should().Be("not compared: this is the model's first version.");
        run.Params["expect.sameColumns"].Should().Be("not compared: this is the model's first version.");
        run.Params["expect.ranges.passengers"].Should().Be("holds");
        run.Params["expect.unique.vendor"].Should().Be("vendor is the same in several rows: 600 rows share 3 values");
        WarningsOf(run).Should().BeEquivalentTo(
            "expect: vendor is the same in several rows: 600 rows share 3 values", "expect: not compared: this is the model's first version.");
        run.Alerts.Select(alert => alert.Kind).Should().Equal(AlertKind.TableUnexpected, AlertKind.PromotionSucceeded);
    }

    [Theory]
    [InlineData(Consequence.Block)]
    [InlineData(Consequence.Warn)]
    public async Task A_table_that_is_not_like_that_of_production_is_blocked_or_told_with_a_sentence_for_each_difference(Consequence gate)
    {
        await using var slack = await SlackEndpoint.StartAsync();
        await using var host = new PipelineHost(azurite, services => services.AddSingleton(
            new AlertOptions { SlackWebhookUrl = slack.Url, BaseUrl = new Uri("https://mlops.example") }));
        var definition = Trips.Definition() with { Expect = new ExpectRules { Rows = new RowCountRule(0.5, 2, gate), SameColumns = gate } };
        await host.RunAsync(definition, host.WriteFile("first.csv", Trips.Csv(900, seed: 502)));
        var changed = Trips.Csv(300, seed: 503).Split('\n').Select((line, i) => line.Length == 0 ? line : i == 0 ? line.Replace(
            "payment", "paid_by", StringComparison.Ordinal) : line.Replace("VTS", "3", StringComparison.Ordinal));

        var run = await host.RunAsync(definition, host.WriteFile("second.csv", string.Join('\n', changed)));

        string[] sentences =
        [
            "expect: there are 300 rows, 0.333 times the 900 of version 1 (expected: 0.5 to 2)",
            "expect: the columns are not those of version 1: 'payment' is gone, 'paid_by' is new",
        ];
        run.Alerts.Single(alert => alert.Kind == AlertKind.TableUnexpected).Reasons.Should().Equal(sentences);
        slack.Calls.Should().Contain(call => call.Message.GetRawText().Contains("the table is not as expected", StringComparison.Ordinal));
        var card = (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(file => file.Path == "model-card.md").Blob, default)).ToString();
        if (gate == Consequence.Block)
        {
            run.Run.State.Should().Be(RunState.Blocked);
            run.Run.BlockedBy.Should().Equal(sentences);
            run.Alerts[^1].Title.Should().EndWith("was not promoted: an unexpected table");
            card.Should().Contain("Expected (block) | 0.5 to 2 times the rows of the earlier table | failed | there are 300 rows");
            (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().Be(1);
        }
        else
        {
            run.Run.BlockedBy.Should().NotContain(reason => reason.StartsWith("expect: ", StringComparison.Ordinal));
            WarningsOf(run).Should().Equal(sentences);
            card.Should().Contain("Expected (warn) | the columns of the earlier table | for information | the columns are not those");
        }
    }

    [Fact]
    public async Task A_table_that_was_blocked_is_not_what_the_next_one_is_compared_with()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Expect = new ExpectRules { Rows = new RowCountRule(0.9, 1.1, Consequence.Block) } };
        await host.RunAsync(definition, host.WriteFile("first.csv", Trips.Csv(900, seed: 504)));

        var second = await host.RunAsync(definition, host.WriteFile("second.csv", Trips.Csv(300, seed: 505)));
        var third = await host.RunAsync(definition, host.WriteFile("third.csv", Trips.Csv(310, seed: 506)));

        new[] { second, third }.Should().OnlyContain(run => run.Run.BlockedBy.Single().Contains("of version 1 (expected", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("2.00:00:00", true)]
    [InlineData("1.00:00:00", false)]
    public async Task Freshness_is_measured_at_the_time_of_the_run(string within, bool holds)
    {
        await using var host = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(new FixedTime(Now)));
        var rows = Trips.Csv(600, seed: 507).TrimEnd('\n').Split('\n').Select((line, i) => i == 0
            ? "day," + line
            : string.Create(CultureInfo.InvariantCulture, $"{Now.AddDays(-2).AddHours(6).AddMinutes(-i):yyyy-MM-dd HH:mm},{line}"));
        var definition = Trips.Definition() with
        {
            Expect = new ExpectRules
            {
                Fresh = new Dictionary<string, FreshnessRule> { ["day"] = new(TimeSpan.Parse(within, CultureInfo.InvariantCulture), Consequence.Block) },
            },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", string.Join('\n', rows)));

        run.Params["expect.fresh.day"].Should().Be(
            holds ? "holds" : "the newest day is 2026-05-02 17:59:00, 1.18:01:00 before the run (expected: at most 1.00:00:00)");
        run.Run.State.Should().Be(holds ? RunState.Succeeded : RunState.Blocked);
    }

    [Fact]
    public async Task Ranges_count_the_rows_outside_and_columns_that_are_unique_together_are_looked_at_together()
    {
        await using var host = new PipelineHost(azurite);
        var lines = Trips.Csv(400, seed: 508).TrimEnd('\n').Split('\n').Select((line, i) => i == 0 ? "shop,day," + line : $"{i % 20},{i / 20 % 19},{line}");
        var definition = Trips.Definition() with
        {
            Expect = new ExpectRules
            {
                Ranges = new Dictionary<string, RangeRule> { ["passengers"] = new(2, 4), ["miles"] = new(Min: 0), ["vendor"] = new(Max: 1), ["mile"] = new(0) },
                Unique = [new UniqueRule(["shop", "day"]), new UniqueRule(["shop", "day", "miles", "seconds"])],
            },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", string.Join('\n', lines)));

        run.Params["expect.ranges.passengers"].Should().MatchRegex("^passengers is 1 to 5: 1[0-9][0-9] of 400 rows are outside what is expected \\(2 to 4\\)$");
        run.Params["expect.ranges.miles"].Should().Be("holds");
        run.Params["expect.ranges.vendor"].Should().Be("column 'vendor' is categorical and holds no numbers: declare it as numeric");
        run.Params["expect.ranges.mile"].Should().StartWith("there is no column 'mile'").And.Contain("'miles'");
        run.Params["expect.unique.shop+day"].Should().MatchRegex("^shop and day are the same in several rows: [0-9]+ rows share [0-9]+ values$");
        run.Params["expect.unique.shop+day+miles+seconds"].Should().Be("holds");
        run.Run.State.Should().Be(RunState.Succeeded, "warnings block nothing");
    }

    [Fact]
    public async Task A_definition_that_expects_nothing_has_no_such_stage()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(300, seed: 509)));

        run.Stages.Should().NotContain(stage => stage.Stage == ExpectStage.Name);
    }

    [Theory]
    [InlineData("""{ "rows": {} }""", "expect.rows has neither 'min' nor 'max'*")]
    [InlineData("""{ "rows": { "min": 2, "max": 1 } }""", "expect.rows: min 2 is above max 1.")]
    [InlineData("""{ "ranges": { "a": { "gate": "warn" } } }""", "expect.ranges.a has neither*")]
    [InlineData("""{ "unique": [{ "columns": [] }] }""", "expect.unique*columns is empty*")]
    [InlineData("""{ "fresh": { "a": {} } }""", "*within*is missing*")]
    [InlineData("""{ "rows": { "min": 1, "gate": "ignore" } }""", "*gate*")]
    public void Rules_that_say_nothing_are_refused(string expect, string problem) =>
        FluentActions.Invoking(() => DefinitionJson.Read($$"""{ "model": "m", "target": "y", "expect": {{expect}} }""")).Should().Throw<InputException>()
            .WithMessage(problem);

    [Fact]
    public void What_is_expected_reads_back_as_it_was_written()
    {
        const string Expect = """
            { "rows": { "min": 0.5, "gate": "block" }, "sameColumns": "warn", "fresh": { "day": { "within": "1.00:00:00" } },
              "unique": [{ "columns": ["a", "b"], "gate": "block" }], "ranges": { "a": { "max": 3 } } }
            """;
        var written = DefinitionJson.Write(DefinitionJson.Read($$"""{ "model": "m", "target": "y", "expect": {{Expect}} }"""));

        System.Text.Json.Nodes.JsonNode.DeepEquals(
            System.Text.Json.Nodes.JsonNode.Parse(written)!["expect"], System.Text.Json.Nodes.JsonNode.Parse(Expect)).Should().BeTrue(written);
        DefinitionJson.Write(DefinitionJson.Read(written)).Should().Be(written);
    }

    private static IEnumerable<string> WarningsOf(RunDetails run) =>
        (run.Stages.Single(stage => stage.Stage == ExpectStage.Name).Warnings ?? []).Select(warning => warning.Text);

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
