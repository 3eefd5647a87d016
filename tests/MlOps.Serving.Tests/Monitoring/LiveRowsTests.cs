using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Monitoring;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests.Monitoring;

[Collection(AzuriteFixture.Collection)]
public sealed class LiveRowsTests(AzuriteFixture azurite)
{
    private const string Slashed = "to/the ~moon";
    private const string Quoted = "it's a \"name\"";

    private static readonly DateTimeOffset At = new(2026, 5, 4, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_training_rows_sent_as_live_rows_have_the_profile_of_the_training_rows()
    {
        await using var host = new PipelineHost(azurite, services => services.AddLiveDrift());
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "y",
            Columns = new Dictionary<string, ColumnRule>
            {
                ["filled"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) },
                ["code"] = new() { Kind = ColumnKind.Categorical },
                [Quoted] = new() { Required = false },
            },
            Features = new FeatureRules { Interactions = [[Slashed, "filled"]], Logs = [Slashed], DateParts = ["when"] },
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };
        var run = await host.RunAsync(definition, host.WriteFile("rows.csv", Table(1500)));
        run.Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var file = host.WriteFile("log.jsonl", await LogAsync(host, version));

        var compared = await host.Get<LiveDrift>().CompareAsync(
            version, definition, [file], new LiveWindow(1, At, At.AddDays(1)), null, host.WorkFolder, default);

        compared.Rows.Should().Be(compared.Report.Comparisons[0].Reference.Rows);
        compared.Reasons.Should().BeEmpty();
        var scores = compared.Report.Comparisons[0].Scores;
        scores.Select(score => score.Column).Should().BeEquivalentTo(
            Slashed, Quoted, "filled", "code", "flag", $"{Slashed}_x_filled", $"log_{Slashed}", "when_day_of_week", "when_hour");
        scores.Should()
            .OnlyContain(score => score.Score < 1e-9 && score.Current.Missing == score.Reference.Missing && score.NewCategories.GetValueOrDefault() == 0);
        scores.Single(score => score.Column == Quoted).Current.Missing.Should().BePositive();

        var compacted = Path.ChangeExtension(file, LoggedSql.FileExtension);
        using (var session = host.Get<DuckDb>().Open(default))
        {
            session.Copy(LoggedSql.Compacted([file]), compacted, LoggedSql.Compression);
        }
        var again = await host.Get<LiveDrift>().CompareAsync(
            version, definition, [compacted], new LiveWindow(1, At, At.AddDays(1)), null, host.WorkFolder, default);
        (again.Rows, Json.Write(again.Report)).Should().Be((compared.Rows, Json.Write(compared.Report)), "rows of both forms are the same rows");
    }

    [Fact]
    public async Task A_number_or_boolean_is_the_category_that_the_scorer_takes_it_for()
    {
        await using var host = new PipelineHost(azurite, services => services.AddLiveDrift());
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "y",
            Columns = new Dictionary<string, ColumnRule>
            {
                ["level"] = new() { Kind = ColumnKind.Categorical },
                ["open"] = new() { Kind = ColumnKind.Categorical },
            },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }],
            Train = new TrainRules { Folds = 0 },
        };
        var rows = Enumerable.Range(0, 300).Select(i => $"{i % 3},{(i % 2 == 0 ? "True" : "False")},{i * 7 % 31},{(i % 3) + (i % 2)}\n");
        await host.RunAsync(definition, host.WriteFile("rows.csv", "level,open,a,y\n" + string.Concat(rows)));
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var sent = Enumerable.Range(0, 300).Select(i => "{" + $"\"at\":\"{LoggedRow.TimeText(At.AddMilliseconds(i))}\",\"version\":1,\"features\":"
            + "{" + $"\"level\":{i % 3}.0,\"open\":{(i % 2 == 0 ? "true" : "false")},\"a\":{i * 7 % 31}" + "}}\n");
        var file = host.WriteFile("log.jsonl", string.Concat(sent));

        var compared = await host.Get<LiveDrift>().CompareAsync(
            version, definition, [file], new LiveWindow(1, At, At.AddDays(1)), null, host.WorkFolder, default);

        compared.Rows.Should().Be(300);
        compared.Report.Comparisons[0].Scores.Where(score => score.Column is "level" or "open").Should().HaveCount(2)
            .And.OnlyContain(score => score.NewCategories == 0 && score.Current.Missing == 0);
    }

    [Fact]
    public async Task Typed_numbers_and_texts_of_a_column_with_points_between_thousands_are_the_same_live_values()
    {
        await using var host = new PipelineHost(azurite, services => services.AddLiveDrift());
        var definition = GroupedRents.Definition();
        (await host.RunAsync(definition, host.WriteFile("rents.csv", GroupedRents.Csv(400)))).Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        string[] sent =
        [
            """{"price":850.125,"rooms":2,"code":7,"garden":1.0}""", """{"price":"850,125","rooms":"2","code":"7","garden":"1"}""",
            """{"price":12.5,"rooms":-999,"code":-1,"garden":false}""", """{"price":"12,5","rooms":"-999","code":"-1","garden":"no"}""",
            """{"price":1250,"rooms":-999.0,"code":-1.0,"garden":0}""", """{"price":"1.250","rooms":"-999","code":"-1","garden":"false"}""",
            """{"price":1e3,"rooms":true,"code":7.0,"garden":2}""", """{"price":"1.000,0","rooms":"x","code":"7","garden":"x"}""",
        ];
        var file = host.WriteFile("log.jsonl", string.Concat(sent.Select((row, i) =>
            $$"""{"at":"{{LoggedRow.TimeText(At.AddSeconds(i))}}","id":"{{i}}","version":1,"prediction":"1","features":{{row}}}""" + "\n")));
        string[] actuals = ["850.125", "850.5", "12", "1E+16", "-999", "2,5", "NaN", "1234.5"];
        var table = $"(SELECT unnest({Sql.Texts(actuals.Select((_, i) => $"{i}"))}) AS id, unnest({Sql.Texts(actuals)}) AS actual)";

        var live = await host.Get<LiveDrift>().ReadAsync(version, [file], new LiveWindow(1, At, At.AddDays(1)), table, host.WorkFolder, default);

        using var session = host.Get<DuckDb>().Open(default);
        var read = session.Rows($"SELECT price, rooms, code, garden, rent FROM {live.Rows.ToSql()}");
        object?[] unreadable = [1000d, null, "7", null];
        read.Select(row => row[..4]).Should().BeEquivalentTo(
            new object?[][]
            {
                [850.125, 2d, "7", true], [850.125, 2d, "7", true], [12.5, null, null, false], [12.5, null, null, false],
                [1250d, null, null, false], [1250d, null, null, false], unreadable, unreadable,
            },
            options => options.WithStrictOrdering());
        read.Select(row => row[4]).Should().Equal(850.125, 850.5, 12d, 1e16, null, null, null, 1234.5);
        live.Cells.Select(cells => (cells.Column, cells.Missing)).Should().Equal(("price", 0), ("rooms", 6), ("code", 4), ("garden", 2));
    }

    [Fact]
    public async Task Of_too_many_rows_the_newest_are_compared()
    {
        await using var host = new PipelineHost(azurite, services => services.AddLiveDrift());
        var definition = Trips.Definition();
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(1200, seed: 92)));
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var log = new StringBuilder();
        for (var i = 0; i < MonitorRules.MostRows + 500; i++)
        {
            var (at, vendor) = (LoggedRow.TimeText(At.AddMilliseconds(i)), i < 500 ? "old" : "VTS");
            log.Append(
                CultureInfo.InvariantCulture,
                $$$"""{"at":"{{{at}}}","version":1,"features":{"vendor":"{{{vendor}}}","passengers":1,"seconds":60,"miles":1.5,"payment":"CRD"}}""");
            log.Append('\n');
        }
        var file = host.WriteFile("log.jsonl", log.ToString());
        var window = new LiveWindow(1, At, At.AddDays(1));

        (await host.Get<PredictionLogReader>().CountAsync([file], window, default)).Should().Be(MonitorRules.MostRows + 500);
        var compared = await host.Get<LiveDrift>().CompareAsync(version, definition, [file], window, null, host.WorkFolder, default);

        compared.Rows.Should().Be(MonitorRules.MostRows);
        compared.Report.Comparisons[0].Scores.Single(score => score.Column == "vendor").NewCategories.Should().Be(0, "the 500 oldest rows are left out");
    }

    private static string Table(int rows)
    {
        var random = new Random(91);
        var csv = new StringBuilder($"{Slashed},\"{Quoted.Replace("\"", "\"\"", StringComparison.Ordinal)}\",filled,code,flag,when,y\n");
        for (var i = 0; i < rows; i++)
        {
            var miles = Math.Round(random.NextDouble() * 20, 3);
            var when = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(random.Next(500_000));
            csv.Append(CultureInfo.InvariantCulture, $"{miles},{(random.Next(10) == 0 ? "" : random.Next(3) == 0 ? "a b" : "ü")},");
            csv.Append(CultureInfo.InvariantCulture, $"{(random.Next(10) == 0 ? "" : random.Next(50))},{random.Next(1, 5)},");
            csv.Append(CultureInfo.InvariantCulture, $"{(random.Next(2) == 0 ? "true" : "false")},{when:yyyy-MM-dd HH:mm:ss},{miles * 2}\n");
        }
        return csv.ToString();
    }

    /// <summary>The training rows as their callers would have sent them: with nulls where a value may be one that filled a null.</summary>
    private static async Task<string> LogAsync(PipelineHost host, ModelVersion version)
    {
        var datasets = host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(version.Lineage.Train, default), default);
        var inputs = FeaturePlan.Of(train.Manifest).Inputs;
        var filled = double.Parse(train.Manifest.Notes[DatasetNotes.Imputed]!["filled"]!.GetValue<string>(), CultureInfo.InvariantCulture);
        using var session = host.Get<DuckDb>().Open(default);
        var log = new StringBuilder();
        foreach (var row in session.Rows($"SELECT {string.Join(", ", inputs.Select(input => Sql.Name(input.Name)))} FROM {train.ToSql()}"))
        {
            var features = inputs.Select((input, i) => (input.Name, Value: Sent(input.Name, row[i], filled)))
                .ToDictionary(cell => cell.Name, cell => cell.Value);
            log.Append(CultureInfo.InvariantCulture, $$"""{"at":"{{LoggedRow.TimeText(At)}}","version":1,"features":{{JsonSerializer.Serialize(features)}}}""")
                .Append('\n');
        }
        return log.ToString();
    }

    private static object? Sent(string column, object? value, double filled) => value switch
    {
        DateTime time => time.ToString("d MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture),
        double number when column == "filled" && number == filled => null,
        _ => value,
    };
}
