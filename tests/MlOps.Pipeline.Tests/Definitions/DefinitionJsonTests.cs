using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tests.Definitions;

public sealed class DefinitionJsonTests
{
    private const string Full = """
        {
          "model": "taxi-fare", "target": "fare_amount", "task": "regression",
          "owner": "fleet-ml", "intendedUse": "fare estimate before a trip", "limits": "one city, 2013",
          "columns": { "vendor_id": "categorical",
                       "trip_distance": { "kind": "numeric", "min": 0, "max": 200, "impute": "median", "drift": { "test": "psi", "threshold": 0.2 } },
                       "note": "ignore", "flag": { "impute": { "constant": true } } },
          "features": { "interactions": [["trip_time_in_secs", "trip_distance"]], "logs": ["trip_distance"] },
          "split": { "validation": 0.2, "seed": 42 },
          "candidates": [ { "trainer": "lightgbm", "trees": 100, "leaves": 31, "rate": 0.1 }, { "trainer": "fasttree" }, { "trainer": "sdca" } ],
          "gates": { "metric": "rmse", "atMost": 5.0, "betterBy": 0.0, "drift": "block", "driftShare": 0.5,
                     "approval": { "required": false, "timeout": "1.00:00:00" } },
          "runOn": { "schedule": "0 0 3 * * *", "newFile": true, "overlap": "skip", "drift": true },
          "monitor": { "log": true, "drift": true, "every": "06:00:00", "minRows": 2000 }
        }
        """;

    [Fact]
    public void A_full_definition_is_read()
    {
        var definition = DefinitionJson.Read(Full);

        definition.Columns["trip_distance"].Should().Be(new ColumnRule
        {
            Kind = ColumnKind.Numeric,
            Min = 0,
            Max = 200,
            Impute = new ImputeRule(ImputeStrategy.Median),
            Drift = new DriftRule(DriftTestKind.PopulationStability, 0.2),
        });
        definition.Columns["note"].Ignore.Should().BeTrue();
        definition.Columns["flag"].Impute.Should().Be(new ImputeRule(ImputeStrategy.Constant, "true"));
        definition.CandidateKeys.Should().Equal("0-lightgbm", "1-fasttree", "2-sdca");
        definition.Gates.Drift.Should().Be(DriftGate.Block);
        definition.Gates.Approval.Timeout.Should().Be(TimeSpan.FromDays(1));
        definition.RunOn.Should().Be(new TriggerRules("0 0 3 * * *", NewFile: true, Overlap.Skip, Drift: true));
        definition.Monitor.Should().Be(new MonitorRules { Every = TimeSpan.FromHours(6), MinRows = 2000 });
    }

    [Fact]
    public void Signals_are_read_with_thresholds_recorded_only_or_left_out_and_written_only_where_they_are_declared()
    {
        const string Watched = """
            {
              "model": "m", "target": "y",
              "runOn": { "decay": true, "rows": 50000, "coolDown": "06:00:00", "perDay": 2 },
              "monitor": { "rows": 5000, "signals": {
                "predictionDrift": { "test": "psi", "threshold": 0.2 }, "dataQuality": { "riseAtMost": 0.1 }, "attributionDrift": "record",
                "performance": { "dropAtMost": 0.2, "delay": "7.00:00:00" }, "estimatedPerformance": "off" } }
            }
            """;

        var definition = DefinitionJson.Read(Watched);

        definition.Monitor.Should().Be(new MonitorRules
        {
            Rows = 5000,
            Signals = new SignalRules
            {
                PredictionDrift = new(DriftTestKind.PopulationStability, 0.2),
                DataQuality = new(0.1),
                AttributionDrift = new() { Mode = SignalMode.Record },
                Performance = new(0.2) { Delay = TimeSpan.FromDays(7) },
                EstimatedPerformance = new() { Mode = SignalMode.Off },
            },
        });
        definition.RunOn.Should().Be(new TriggerRules { Decay = true, Rows = 50_000, CoolDown = TimeSpan.FromHours(6), PerDay = 2 });
        DefinitionJson.Read(DefinitionJson.Write(definition)).Monitor.Should().Be(definition.Monitor);
        DefinitionJson.Read(DefinitionJson.Write(definition)).RunOn.Should().Be(definition.RunOn);
        DefinitionJson.Write(DefinitionJson.Read("""{ "model": "m", "target": "y" }""")).Should().NotContainAny("signals", "decay", "perDay");
    }

    [Fact]
    public void What_is_written_reads_back_to_the_same_text()
    {
        var written = DefinitionJson.Write(DefinitionJson.Read(Full));

        DefinitionJson.Write(DefinitionJson.Read(written)).Should().Be(written);
    }

    [Fact]
    public void The_schema_that_a_definition_names_for_editors_is_no_part_of_it()
    {
        var definition = DefinitionJson.Read("""{ "$schema": "./pipeline.schema.json", "model": "m", "target": "y" }""");

        DefinitionJson.Write(definition).Should().Be(DefinitionJson.Write(DefinitionJson.Read("""{ "model": "m", "target": "y" }"""))).And.NotContain("schema");
    }

    [Fact]
    public void Model_and_target_alone_are_enough()
    {
        var definition = DefinitionJson.Read("""{ "model": "m", "target": "y" }""");

        definition.Split.Validation.Should().Be(0.2);
        definition.Candidates.Should().ContainSingle().Which.Trainer.Should().Be(TrainerNames.LightGbm);
        definition.Monitor.Should().Be(new MonitorRules { Log = true, Drift = true, Every = TimeSpan.FromHours(1), MinRows = 500 });
    }

    [Fact]
    public void A_definition_that_asks_for_nothing_new_keeps_the_identity_that_it_had_before_there_was_a_monitor()
    {
        const string Before = """
            {
              "model": "m",
              "target": "y",
              "threshold": 0.5,
              "columns": {},
              "cleaning": {
                "maxDropped": 0.5
              },
              "features": {
                "interactions": [],
                "ratios": [],
                "logs": [],
                "dateParts": [],
                "required": [],
                "maxCategories": 100
              },
              "split": {
                "validation": 0.2,
                "seed": 42
              },
              "candidates": [
                {
                  "trainer": "lightgbm",
                  "trees": 100,
                  "leaves": 31,
                  "rate": 0.1,
                  "minRowsPerLeaf": 20,
                  "earlyStopping": 20
                }
              ],
              "gates": {
                "betterBy": 0,
                "drift": "warn",
                "driftShare": 0.5,
                "approval": {
                  "required": false
                }
              },
              "runOn": {
                "newFile": false,
                "overlap": "queue"
              }
            }
            """;
        var definition = DefinitionJson.Read(Before);

        DefinitionJson.WriteIdentity(definition).Should().Be(Before);
        DefinitionJson.WriteIdentity(definition with { Monitor = new MonitorRules { MinRows = 501 } }).Should().Contain("501");
        DefinitionJson.WriteIdentity(definition with { RunOn = new TriggerRules(Drift: true) }).Should().Contain("\"drift\": true");
        DefinitionJson.Write(definition).Should().Contain("\"every\": \"01:00:00\"").And.Contain("\"drift\": false");
    }

    [Fact]
    public void Unknown_keys_name_the_nearest_known_one_and_every_problem_is_listed()
    {
        const string Wrong = """
            { "model": "m", "taget": "y", "split": { "validtion": 0.2, "seed": -1 }, "candidates": [ { "trainer": "xgboost", "trees": 1.5 } ],
              "columns": { "a": { "kind": "numeric", "maximum": 3 }, "b": "number" }, "gates": { "approval": { "timeout": "soon" } } }
            """;
        var act = () => DefinitionJson.Read(Wrong, KnownExtensions.None);

        act.Should().Throw<InputException>().Which.Problems.Should().BeEquivalentTo(
            "target is missing.",
            "taget is not known; did you mean 'target'?",
            "split.validtion is not known; did you mean 'validation'?",
            "split.seed is -1; it must be at least 0 and at most 9.223372036854776E+18.",
            "candidates[0].trainer is 'xgboost', which this host does not have; known are lightgbm, fasttree, fastforest, sdca.",
            "candidates[0].trees must be a whole number.",
            "columns.a.maximum is not known; did you mean 'max'?",
            "columns.b is 'number'; it must be one of numeric, categorical, boolean, datetime, text, id.",
            "gates.approval.timeout is 'soon'; it must be a time span such as \"1.00:00:00\" (one day) or \"02:00:00\" (two hours).");
    }

    [Fact]
    public void A_required_key_of_the_wrong_type_is_not_also_missing()
    {
        var act = () => DefinitionJson.Read("""{ "model": 1, "target": null, "candidates": [ null, { "trainer": true }, {} ] }""");

        act.Should().Throw<InputException>().Which.Problems.Should().Equal(
            "model must be a text, not a number.",
            "target is missing.",
            "candidates[0] must be a JSON object, not null.",
            "candidates[0].trainer is missing.",
            "candidates[1].trainer must be a text, not true or false.",
            "candidates[2].trainer is missing.");
    }

    [Theory]
    [InlineData("""{ "model": "My Model", "target": "y" }""", "*model is 'My Model'*lower-case*")]
    [InlineData("""{ "model": "m", "target": "y", "split": { "time": "t", "group": "g" } }""", "*both 'time' and 'group'*")]
    [InlineData("""{ "model": "m", "target": "y", "split": { "validation": 0.6, "test": 0.5 } }""", "*take 1.1 of the rows together*")]
    [InlineData("""{ "model": "m", "target": "y", "train": { "sample": 1 } }""", "train.sample is 1; it must be a share below 1*at least 100 rows*all rows.")]
    [InlineData("""{ "model": "m", "target": "y", "train": { "sample": 250.5 } }""", "train.sample is 250.5; it must be*a whole number*")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "y": "ignore" } }""", "*target and cannot be ignored*")]
    [InlineData("""{ "model": "m", "target": "y", "features": { "logs": ["y"] } }""", "*the model would be given the answer*")]
    [InlineData("""{ "model": "m", "target": "y", "task": "binary", "gates": { "metric": "rmse" } }""", "*gates.metric is 'rmse'*auc*")]
    [InlineData("""{ "model": "m", "target": "y", "candidates": [] }""", "*1 to 50 trainers*")]
    [InlineData("""{ "model": "m", "target": "y" """, "*not valid JSON: line 1, position*")]
    [InlineData("[]", "*must be a JSON object*")]
    [InlineData("""{ "model": "m", "target": "y", "runOn": { "schedule": "whenever" } }""", "*runOn.schedule is 'whenever'*cron*")]
    [InlineData(
        """{ "model": "m", "target": "y", "runOn": { "schedule": "0 0 0 30 2 *" } }""",
        "*runOn.schedule is '0 0 0 30 2 *', a time that never comes (such as 30 February).")]
    [InlineData("""{ "model": "m", "target": "y", "runOn": { "schedule": "0 0 31 4 *" } }""", "*runOn.schedule is '0 0 31 4 *', a time that never comes*")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "kind": "categorical", "drift": { "test": "ks" } } } }""", "*columns.a: the drift "
        + "test 'ks' needs a numeric column*jensenshannon*")]
    [InlineData(
        """{ "model": "m", "target": "y", "columns": { "a": { "decimal": "comma" } } }""", "*columns.a.decimal is 'comma'; it must be one of '.', ','.*")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "assumed": true } } }""", "*columns.a: 'assumed' is said of a format or a kind*")]
    [InlineData("""{ "model": "m", "target": "y", "columns": { "a": { "drift": { "test": "mmd", "limit": 1 } } } }""", "*columns.a.drift.test is 'mmd'; "
        + "it must be one of ks, chisquare*columns.a.drift.limit is not known; known are test, threshold.*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "evry": "01:00:00", "minrows": 5 } }""", "*monitor.evry is not known; did you mean "
        + "'every'?*monitor.minrows is not known; did you mean 'minRows'?*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "every": "00:00:59" } }""", "*monitor.every is '00:00:59'; it must be a time span from "
        + "\"00:01:00\" (one minute) to \"1.00:00:00\" (one day).*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "every": "2.00:00:00", "minRows": 0 } }""", "*monitor.every is '2.00:00:00'*"
        + "monitor.minRows is 0; it must be at least 1 and at most 100000.*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "sample": 0 } }""", "*monitor.sample is 0; it must be above 0 and at most 1.*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "sample": 1.5 } }""", "*monitor.sample is 1.5; it must be above 0 and at most 1.*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "every": "hourly", "log": "no" } }""", "*monitor.log must be true or false*monitor.every "
        + "is 'hourly'*")]
    [InlineData("""{ "model": "m", "target": "y", "runOn": { "decay": true }, "monitor": { "drift": false } }""", "*runOn.decay is true*monitor.signals*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "signals": { "performance": "on" } } }""", "*monitor.signals.performance*record*off*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "signals": { "dataQuality": { "riseAtMost": 2 } } } }""", "*riseAtMost is 2*")]
    [InlineData("""{ "model": "m", "target": "y", "monitor": { "log": false }, "runOn": { "drift": true } }""", "*runOn.drift is true*set monitor.log "
        + "and monitor.drift to true*")]
    public void A_definition_that_makes_no_sense_says_why(string json, string message)
    {
        var act = () => DefinitionJson.Read(json);

        act.Should().Throw<InputException>().WithMessage(message);
    }
}
