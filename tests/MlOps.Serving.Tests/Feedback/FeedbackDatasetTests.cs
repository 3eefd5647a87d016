using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;
using MlOps.Serving.Lineage;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Tests.Monitoring;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Feedback;

/// <summary>What was predicted, with what came true of it, is data to train on.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class FeedbackDatasetTests(AzuriteFixture azurite)
{
    private const int Rows = 120;

    private static readonly DateTimeOffset Start = LoggedHours.Floor(DateTimeOffset.UtcNow).AddHours(-3);

    private readonly TestClock clock = new(Start);

    [Fact]
    public async Task Rows_with_feedback_are_a_raw_version_that_a_run_trains_on()
    {
        await using var host = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(clock)
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) }));
        var definition = Trips.Definition();
        var model = definition.Model;
        (await host.Pipeline.RunAsync(definition, host.Pipeline.WriteFile("trips.csv", Trips.Csv(600, seed: 5)))).Run.Error.Should().BeNull();
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        await host.StartAsync();

        // Two hours, the first of them compacted; every second row is told by its key, every tenth not at all.
        var table = Trips.Csv(Rows, seed: 6).TrimEnd('\n').Split('\n')[1..];
        var sent = LiveTrips.Rows(Rows, seed: 6);
        var told = new List<FeedbackItem>();
        for (var i = 0; i < Rows; i++)
        {
            clock.Now = Start.AddMinutes(i);
            var answer = await PredictAsync(host, model, sent[i], $"rider-{i}");
            var (fare, at) = (table[i].Split(',')[^1], clock.Now.AddHours(2));
            if (i % 10 != 0)
            {
                told.Add(i % 2 == 0 ? new FeedbackItem(null, $"rider-{i}", fare, at) : new FeedbackItem(answer.Id, null, fare, at));
            }
        }
        await host.WrittenAsync();
        clock.Now = Start.AddHours(2.5);
        await host.Get<FeedbackStore>().AddAsync(model, told, default);
        await LoggedHours.Compactor(host, host.Get<PipelineStorage>()).CompactAsync(PredictionBlobs.HourPrefix(model, Start), default);

        var made = await host.Get<FeedbackDataset>().MakeAsync(model, Start, Start.AddHours(2), default);
        var again = await host.Get<FeedbackDataset>().MakeAsync(model, Start, Start.AddHours(2), default);
        var first = await host.Get<FeedbackDataset>().MakeAsync(model, Start, Start.AddHours(1), default);

        again.Should().Be(made);
        (made.Rows, first.Rows, made.Stage, made.RunId).Should().Be((Rows * 9 / 10, 54, "raw", ""));
        (await ReadAsync(host, made.Id)).Should().BeEquivalentTo(table.Where((_, i) => i % 10 != 0).Select(Normal));
        var latest = (await host.Get<DataVersions>().FindAsync(model, "latest", default))!;
        latest.Id.Should().BeOneOf(made.Id, first.Id);
        var run = await host.Pipeline.RunAsync(definition, StoredSource.Of(made.Id));
        run.Run.Error.Should().BeNull();

        var graph = (await host.Get<LineageReader>().OfDatasetAsync(model, made.Id, default))!;
        foreach (var hour in new[] { Start, Start.AddHours(1) })
        {
            var name = hour.UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture);
            graph.Edges.Should().Contain(new LineageEdge($"predictions/{model}/{name}", $"dataset/{model}@{made.Id}", "feedback"));
        }
        (await host.Get<LineageReader>().OfDatasetAsync(model, first.Id, default))!.Edges.Should().ContainSingle("no run has had it");
        await LineageLeadsForwardAsync(host, model, made.Id, first.Id, run.Run.RunId);
        var columns = (await host.Get<DatasetStore>().GetAsync(made.Id, default)).Columns;
        var trained = (await host.Get<DatasetStore>().GetAsync((await host.Get<ModelRegistry>().GetAsync(model, 1, default)).Lineage.Raw, default)).Columns;
        columns.Should().BeEquivalentTo(trained);
    }

    /// <summary>From an hour, and from the version that predicted in it, to what was made of it, and on to the runs that read that.</summary>
    private static async Task LineageLeadsForwardAsync(MonitorHost host, string model, string both, string first, string trained)
    {
        var (reader, versions) = (host.Get<LineageReader>(), host.Get<DataLog>());
        var (one, two) = (HourOf(Start), HourOf(Start.AddHours(1)));
        LineageEdge[] ofBoth = [Made(one, both), Made(two, both)];

        var ofVersion = (await reader.OfVersionAsync(model, 1, default))!;
        var ofFirst = (await reader.OfHourAsync(model, Start, default))!;
        var ofSecond = (await reader.OfHourAsync(model, Start.AddHours(1), default))!;

        ofVersion.Edges.Should().Contain([.. ofBoth, Made(one, first), new($"version/{model}@1", one, "predicted")]);
        ofVersion.ToMermaid().Should().Contain("-->|feedback|");
        ofFirst.Edges.Should().Contain([Made(one, both), Made(one, first), new($"version/{model}@1", one, "predicted")]);
        ofFirst.Nodes.Should().Contain(node => node.Id == $"run/{trained}", "it read what was made of the hour");
        ofSecond.Edges.Should().Contain(Made(two, both));
        ofSecond.Nodes.Should().NotContain(node => node.Kind == LineageKind.More);
        (await reader.OfHourAsync(model, Start.AddYears(-1), default)).Should().BeNull();

        // More of the same time than are shown, and one of another time.
        var manifest = await host.Get<DatasetStore>().GetAsync(first, default);
        var older = manifest with { Created = manifest.Created.AddYears(-1) };
        for (var i = 0; i < LineageReader.MostMade; i++)
        {
            await versions.RecordAsync(model, older with { Id = $"{i:x32}" }, LoggedSource.Of(model, Start, Start.AddMinutes(i + 1)), default);
        }
        await versions.RecordAsync(model, older with { Id = $"{99:x32}" }, LoggedSource.Of(model, Start.AddDays(-2), Start), default);
        var cut = (await reader.OfHourAsync(model, Start, default))!;
        cut.Nodes.Where(node => node.Kind == LineageKind.More).Select(node => node.Label).Should().Equal("2 more datasets of that time");
        cut.ToMermaid().Should().Contain("(\"2 more datasets of that time\")");
        cut.Edges.Should().Contain([Made(one, both), Made(one, first)]);

        // What is collected is not led to.
        await versions.ForgetAsync(_ => true, id => Task.FromResult(id.StartsWith("0000", StringComparison.Ordinal)), default);
        (await versions.ListMadeAsync(model, 100, default)).Select(version => version.Id).Should().BeEquivalentTo(both, first);

        LineageEdge Made(string hour, string id) => new(hour, $"dataset/{model}@{id}", "feedback");
        string HourOf(DateTimeOffset hour) => $"predictions/{model}/{hour.UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture)}";
    }

    [Fact]
    public async Task Numbers_are_what_was_told_however_the_training_file_writes_them_and_what_is_left_out_is_told()
    {
        await using var host = new MonitorHost(azurite, services => services.AddSingleton<TimeProvider>(clock)
            .AddSingleton(new PredictionLogOptions { WriteEvery = TimeSpan.FromMilliseconds(20) }));
        var definition = GroupedRents.Definition();
        var model = definition.Model;
        (await host.Pipeline.RunAsync(definition, host.Pipeline.WriteFile("rents.csv", GroupedRents.Csv(400)))).Run.Error.Should().BeNull();
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        await host.StartAsync();

        // Every row once as numbers and once as texts.
        (string Row, string Actual)[] sent =
        [
            ("""{"price":850.125,"rooms":2,"code":7,"garden":true}""", "850.125"),
            ("""{"price":"850,125","rooms":"2","code":"7","garden":"yes"}""", "\"850.5\""),
            ("""{"price":2012.5,"rooms":-999,"code":-1,"garden":0}""", "4025"),
            ("""{"price":"2.012,5","rooms":"-999","code":"-1","garden":"no"}""", "-999"),
        ];
        var (answers, told) = (new List<PredictionResult.Predicted>(), new List<FeedbackItem>());
        foreach (var (row, actual) in sent)
        {
            clock.Now = Start.AddMinutes(answers.Count);
            var answer = await PredictAsync(host, model, row, $"flat-{answers.Count}");
            answers.Add(answer);
            using var item = System.Text.Json.JsonDocument.Parse($$"""{"id":"{{answer.Id}}","actual":{{actual}}}""");
            told.AddRange(FeedbackItems.Read([item.RootElement], answer, clock.Now));
        }
        await host.WrittenAsync();
        clock.Now = Start.AddHours(2);
        await host.Get<FeedbackStore>().AddAsync(model, told, default);

        var made = await host.Get<FeedbackDataset>().MakeAsync(model, Start, Start.AddHours(1), default);
        var onlyMissing = () => host.Get<FeedbackDataset>().MakeAsync(model, Start.AddMinutes(3), Start.AddHours(1), default);

        Answer(1).Should().Be(Answer(0));
        Answer(3).Should().Be(Answer(2), "what is declared missing is that as number and as text");
        var datasets = host.Get<DatasetStore>();
        var manifest = await datasets.GetAsync(made.Id, default);
        using var session = host.Get<DuckDb>().Open(default);
        session.Rows($"SELECT price, rooms, code, garden, rent FROM {(await datasets.OpenAsync(manifest, default)).ToSql()}").Should().BeEquivalentTo(
            new object?[][] { [850.125, 2d, "7", true, 850.125], [850.125, 2d, "7", true, 850.5], [2012.5, null, null, false, 4025d] });
        var warning = Json.Read<IReadOnlyList<Warning>>(manifest.Notes[DatasetNotes.Warnings]!.ToJsonString())!.Should().ContainSingle().Subject;
        warning.Should().Be(new Warning(
            WarningCodes.FeedbackLeftOut,
            "1 of 4 predictions with feedback is left out: what was told of them, such as '-999', is no value of 'rent', or is "
            + "declared to mean a missing one.")
        { Column = "rent", Count = 1, Example = "-999", Headline = true });

        (await onlyMissing.Should().ThrowAsync<InputException>()).WithMessage("1 of 1 predictions with feedback is left out*");

        string Answer(int i) => Json.Write(answers[i].Predictions);
    }

    [Fact]
    public async Task What_cannot_be_made_is_refused_with_what_to_do()
    {
        await using var host = new MonitorHost(azurite);
        var model = AzuriteFixture.UniqueModel();
        var data = host.Get<FeedbackDataset>();

        var unserved = () => data.MakeAsync(model, Start, Start.AddHours(1), default);
        var backwards = () => data.MakeAsync(model, Start, Start, default);
        var tooLong = () => data.MakeAsync(model, Start, Start.AddDays(93), default);

        (await unserved.Should().ThrowAsync<InputException>()).WithMessage("*no version in production*");
        (await backwards.Should().ThrowAsync<InputException>()).WithMessage("*'until' must come after 'from'*");
        (await tooLong.Should().ThrowAsync<InputException>()).WithMessage("*at most 92 days*");
    }

    private static async Task<PredictionResult.Predicted> PredictAsync(MonitorHost host, string model, string row, string key)
    {
        using var body = System.Text.Json.JsonDocument.Parse(row);
        return (PredictionResult.Predicted)await host.Get<PredictionService>().PredictAsync(model, [body.RootElement], Wanted.Nothing, [key], default);
    }

    private static async Task<IReadOnlyList<string>> ReadAsync(MonitorHost host, string id)
    {
        var datasets = host.Get<DatasetStore>();
        var local = await datasets.OpenAsync(await datasets.GetAsync(id, default), default);
        using var session = host.Get<DuckDb>().Open(default);
        return
        [
            .. session.Rows($"SELECT {Trips.Header} FROM {local.ToSql()}")
                .Select(row => Normal(string.Join(',', row.Select(cell => Convert.ToString(cell, CultureInfo.InvariantCulture))))),
        ];
    }

    /// <summary>A row's text whichever way its numbers are written.</summary>
    private static string Normal(string row) => string.Join(',', row.Split(',').Select(cell =>
        double.TryParse(cell, CultureInfo.InvariantCulture, out var number) ? number.ToString("R", CultureInfo.InvariantCulture) : cell));
}
