using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class FeaturesTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public async Task Feature_engineering_creates_the_interaction_column()
    {
        var features = await bench.FeaturesAsync(Trips.Definition(), Trips.Csv(50));

        var rows = await bench.RowsAsync(features.Features, "seconds", "miles", "seconds_x_miles");
        rows.Should().HaveCount(50).And.OnlyContain(row => (double)row[2]! == (double)row[0]! * (double)row[1]!);
    }

    [Fact]
    public async Task Feature_engineering_handles_missing_columns()
    {
        var rules = new FeatureRules { Interactions = [["seconds", "milage"], ["seconds", "miles"]], Logs = ["vendor", "mile"] };
        var definition = Trips.Definition() with { Features = rules };

        var features = await bench.FeaturesAsync(definition, Trips.Csv(50));

        bench.Warnings.Should()
            .Contain("Feature 'seconds_x_milage' is skipped: column 'milage' is not in the data "
                + "(its columns are vendor, passengers, seconds, miles, payment, fare).")
            .And.Contain("Feature 'log_mile' is skipped: column 'mile' is not in the data (nearest: 'miles').")
            .And.Contain("Feature 'log_vendor' is skipped: column 'vendor' is categorical, not numeric.");
        (await bench.ManifestAsync(features.Features)).Columns.Select(column => column.Name).Should()
            .Contain("seconds_x_miles").And.NotContain("seconds_x_milage");
    }

    [Fact]
    public async Task A_required_feature_with_a_missing_column_stops_the_run()
    {
        var definition = Trips.Definition() with { Features = new FeatureRules { Interactions = [["seconds", "milage"]], Required = ["seconds_x_milage"] } };

        var act = () => bench.FeaturesAsync(definition, Trips.Csv(50));

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*'seconds_x_milage' is required*'milage' is not in the data*");
    }

    [Fact]
    public async Task Ratios_logs_and_date_parts_are_computed_and_missing_where_undefined()
    {
        var csv = "a,b,t,y\n6,3,2026-02-01T13:30:00,1\n5,0,2024-02-29 00:00:00,2\n-1,2,1999-12-31 23:59:59,3\n"
            + string.Concat(Enumerable.Range(10, 10).Select(i => $"{i},1,2026-01-01 00:00:00,{i}\n"));
        var definition =
            new PipelineDefinition { Model = "features", Target = "y", Features = new FeatureRules { Ratios = [["a", "b"]], Logs = ["a"], DateParts = ["t"] } };

        var features = await bench.FeaturesAsync(definition, csv);

        var rows = await bench.RowsAsync(features.Features, "a_per_b", "log_a", "t_year", "t_month", "t_day", "t_day_of_week", "t_hour");
        rows[0].Should().Equal(2.0, Math.Log(7), 2026.0, 2.0, 1.0, 0.0, 13.0);
        rows[1].Should().Equal(null, Math.Log(6), 2024.0, 2.0, 29.0, 4.0, 0.0);
        rows[2].Should().Equal(-0.5, null, 1999.0, 12.0, 31.0, 5.0, 23.0);
    }

    [Fact]
    public async Task A_computed_feature_may_not_take_the_name_of_a_column()
    {
        var act = () => bench.FeaturesAsync(Trips.Definition(), Trips.Csv(50).Replace("payment", "seconds_x_miles", StringComparison.Ordinal));

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*'seconds_x_miles' has the name of another column*");
    }

    [Fact]
    public async Task Serving_computes_the_very_vector_that_training_saw_for_every_row()
    {
        var definition = Trips.Definition() with
        {
            Features = new FeatureRules { Interactions = [["seconds", "miles"]], Ratios = [["miles", "passengers"]], Logs = ["miles"], MaxCategories = 2 },
            Columns =
                new Dictionary<string,
                ColumnRule>
                { ["miles"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) }, ["passengers"] = new() { Required = false } },
        };
        var lines = Trips.Csv(400, seed: 21).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 1; i < lines.Length; i++)
        {
            var cells = lines[i].Split(',');
            cells[1] = i % 9 == 0 ? "" : cells[1];
            cells[3] = i % 11 == 0 ? "" : cells[3];
            lines[i] = string.Join(',', cells);
        }
        var csv = string.Join('\n', lines) + "\n";
        var split = await bench.SplitAsync(definition, csv);
        // What callers send: rows as they are before anything is filled in, found again by their hash.
        var unfilled = await bench.CleanAsync(
            definition with { Columns = definition.Columns.ToDictionary(column => column.Key, _ => new ColumnRule { Required = false }) }, csv);

        var datasets = bench.Host.Get<DatasetStore>();
        var train = await datasets.OpenAsync(await datasets.GetAsync(split.Train.Id, default), default);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        var featurizer = Featurizer.Fit(session, train, definition);
        var reader = new InputReader(featurizer, bench.Host.Get<FeatureFunctions>());

        foreach (var side in new[] { split.Train, split.Validation })
        {
            var table = FeatureTable.Load(session, await datasets.OpenAsync(await datasets.GetAsync(side.Id, default), default), featurizer);
            var hashes = await bench.RowsAsync(side, "__row_hash");
            var sent = (await bench.RowsAsync(unfilled.Clean, "__row_hash", "vendor", "passengers", "seconds", "miles", "payment"))
                .ToDictionary(row => (ulong)row[0]!);
            hashes.Should().HaveCount(table.Rows).And.HaveCountGreaterThan(50);
            for (var i = 0; i < table.Rows; i++)
            {
                var cells = sent[(ulong)hashes[i][0]!];
                var json = JsonSerializer.SerializeToElement(
                    new { vendor = cells[1], passengers = cells[2], seconds = cells[3], miles = cells[4], payment = cells[5] });
                var problems = new List<string>();
                var row = reader.Read(json, "", problems);
                problems.Should().BeEmpty();
                row.Numbers.Should().Equal(table.Numbers.Select(column => column[i]));
                row.Codes.Should().Equal(table.Codes.Select(column => column[i]));
            }
        }
    }
}
