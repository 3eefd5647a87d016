using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>One model, many protocols: whichever way a row is sent, its prediction is the same.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class FacesTests(TrainedModels models) : IClassFixture<TrainedModels>
{
    private static readonly string[] Columns = ["size", "width", "colour", "fresh", "day"];

    private HttpClient Client => models.Client;

    [Theory]
    [InlineData("price")]
    [InlineData("bought")]
    [InlineData("kind")]
    public async Task An_equal_row_gets_an_equal_prediction_through_all_protocols(string which)
    {
        var model = which switch { "price" => models.Price, "bought" => models.Bought, _ => models.Kind };
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var rows = Enumerable.Range(0, 20).Select(_ => new JsonObject
        {
            ["size"] = Math.Round(random.NextDouble() * 12, 3),
            ["width"] = random.Next(4) == 0 ? null : Math.Round(random.NextDouble() * 4, 2),
            ["colour"] = random.Next(4) switch { 0 => "never, \"seen\"", 1 => "blue", _ => "red" },
            ["fresh"] = random.Next(2) == 0,
            ["day"] = $"2026-01-{random.Next(1, 29):00}",
        }).ToList();
        var reference = await AskAsync(model, rows);

        foreach (var (face, answer) in await AnswersAsync(model, rows))
        {
            answer.Should().Equal(reference, $"{face}, seed {seed}");
        }
    }

    [Fact]
    public async Task Rows_of_numbers_may_come_as_one_tensor_in_the_order_of_the_signature()
    {
        var named = await AskAsync(models.Area, [new JsonObject { ["size"] = 3.5, ["width"] = 2 }, new JsonObject { ["width"] = null, ["size"] = 8 }]);

        var matrix = await InferAsync(models.Area, """{"inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 2], "data": [3.5, 2, 8, null]}]}""");
        var nested = await InferAsync(models.Area, """{"inputs": [{"name": "x", "datatype": "FP64", "shape": [2, 2], "data": [[3.5, 2], [8, null]]}]}""");
        var instances = await InvokeAsync(models.Area, """{"instances": [[3.5, 2], [8, NaN]]}""");

        Texts(matrix["outputs"]![0]!["data"]!).Should().Equal(named);
        Texts(nested["outputs"]![0]!["data"]!).Should().Equal(named);
        Texts(instances["predictions"]!).Should().Equal(named);
    }

    [Fact]
    public async Task Cells_without_names_are_refused_where_some_are_no_numbers_or_too_few()
    {
        var mixed = await Client.PostJsonAsync($"/models/{models.Price}/invocations", """{"instances": [[3.5, 2, "red", true, "2026-01-01"]]}""")
            .ShouldBeAsync(HttpStatusCode.BadRequest);
        var few = await Client.PostJsonAsync($"/models/{models.Area}/invocations", """{"inputs": [[3.5]]}""").ShouldBeAsync(HttpStatusCode.BadRequest);
        var tensor = await Client.PostJsonAsync(
                $"/v2/models/{models.Price}/infer", """{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 5], "data": [1, 2, 3, 4, 5]}]}""")
            .ShouldBeAsync(HttpStatusCode.BadRequest);

        ((string)mixed["error_code"]!).Should().Be("INVALID_PARAMETER_VALUE");
        ((string)mixed["message"]!).Should().Contain("send records");
        ((string)few["message"]!).Should().Contain("size, width");
        ((string)tensor["error"]!).Should().Contain("one tensor a column, size, width, colour");
    }

    [Fact]
    public async Task Labels_have_the_type_of_the_target_and_probabilities_the_order_of_the_classes()
    {
        const string Row = """{"size": 9, "width": 1, "colour": "red", "fresh": true, "day": "2026-01-05"}""";
        var asked = $$"""{"params": {"predict_method": "predict_proba", "who": "ignored"}, "dataframe_records": [{{Row}}] }""";

        var bought = await InvokeAsync(models.Bought, $$"""{"dataframe_records": [{{Row}}]}""");
        var kind = await InvokeAsync(models.Kind, $$"""{"dataframe_records": [{{Row}}]}""");
        var boughtChance = (await InvokeAsync(models.Bought, asked))["predictions"]![0]!.AsArray();
        var kindChance = (await InvokeAsync(models.Kind, asked))["predictions"]![0]!.AsArray();
        var none = await Client.PostJsonAsync($"/models/{models.Price}/invocations", asked).ShouldBeAsync(HttpStatusCode.BadRequest);
        var reference = await PredictAsync($$"""{"model": "{{models.Bought}}", "features": {{Row}} }""");

        bought.ToJsonString().Should().Be("""{"predictions":[1]}""");
        kind.ToJsonString().Should().Be("""{"predictions":["large"]}""");
        ((double)boughtChance[1]!).Should().Be((double)reference["probability"]!);
        ((double)boughtChance[0]! + (double)boughtChance[1]!).Should().BeApproximately(1, 1e-9);
        kindChance.Should().HaveCount(3);
        kindChance.Max(chance => (double)chance!).Should().Be((double)kindChance[0]!, "classes stand in order: large, mid, small");
        ((string)none["error_code"]!).Should().Be("INVALID_PARAMETER_VALUE");
    }

    [Theory]
    [InlineData("""{"colour": "red", "size": 5}""", null, null)]
    [InlineData("""{"colour": "green", "size": 5}""", """["colour"]""", null)]
    [InlineData("""{"colour": "Red", "size": 99}""", """["colour"]""", """["size"]""")]
    [InlineData("""{"size": -1, "colour": "blue", "width": "-7000.5", "day": "2031-05-01"}""", null, """["size","width","day"]""")]
    [InlineData("""{"size": 5, "colour": "blue", "width": null, "day": "1999-12-31T23:59:59Z"}""", null, """["day"]""")]
    public async Task What_the_model_has_not_seen_stands_in_the_answer(string given, string? unseen, string? outOfRange)
    {
        var row = JsonNode.Parse(given)!.AsObject();
        foreach (var (column, usual) in new KeyValuePair<string, JsonNode?>[] { new("width", 2), new("fresh", true), new("day", "2026-01-05") })
        {
            row.TryAdd(column, usual);
        }
        const string Usual = """{"size": 5, "width": 2, "colour": "red", "fresh": false, "day": "2026-01-05"}""";

        foreach (var model in new[] { models.Price, models.Kind })
        {
            var one = await PredictAsync($$"""{"model": "{{model}}", "features": {{row.ToJsonString()}} }""");
            var many = await PredictAsync($$"""{"model": "{{model}}", "rows": [{{Usual}}, {{row.ToJsonString()}}]}""");

            (one["unseen"]?.ToJsonString(), one["outOfRange"]?.ToJsonString()).Should().Be((unseen, outOfRange), model);
            (many["unseen"]?.ToJsonString(), many["outOfRange"]?.ToJsonString()).Should().Be((OfRows(unseen), OfRows(outOfRange)), model);
        }

        // The usual row has nothing to tell.
        static string? OfRows(string? told) => told is null ? null : $"[[],{told}]";
    }

    [Fact]
    public async Task A_model_describes_its_tensors()
    {
        var price = await Client.GetAsync($"/v2/models/{models.Price}").ShouldBeAsync(HttpStatusCode.OK);
        var kind = await Client.GetAsync($"/v2/models/{models.Kind}/versions/1").ShouldBeAsync(HttpStatusCode.OK);
        var bought = await Client.GetAsync($"/v2/models/{models.Bought}").ShouldBeAsync(HttpStatusCode.OK);

        price.ToJsonString(HttpAssertions.Relaxed).Should().Be(
            $$"""{"name":"{{models.Price}}","versions":["1"],"platform":"mlnet","inputs":["""
            + """{"name":"size","datatype":"FP64","shape":[-1]},{"name":"width","datatype":"FP64","shape":[-1],"parameters":{"optional":"true"}},"""
            + """{"name":"colour","datatype":"BYTES","shape":[-1],"parameters":{"content_type":"str"}},{"name":"fresh","datatype":"BOOL","shape":[-1]},"""
            + """{"name":"day","datatype":"BYTES","shape":[-1],"parameters":{"content_type":"datetime"}}],"outputs":["""
            + """{"name":"predict","datatype":"FP64","shape":[-1]}]}""");
        kind["outputs"]!.ToJsonString(HttpAssertions.Relaxed).Should().Be(
            """[{"name":"predict","datatype":"BYTES","shape":[-1],"parameters":{"content_type":"str"}},"""
            + """{"name":"probabilities","datatype":"FP64","shape":[-1,3],"parameters":{"classes":"[\"large\",\"mid\",\"small\"]"}}]""");
        bought["outputs"]![0]!["datatype"]!.GetValue<string>().Should().Be("INT64");
    }

    [Fact]
    public async Task Columns_that_the_model_does_not_have_are_ignored_by_MLflow_only_while_no_input_is_missing()
    {
        var whole = await InvokeAsync(models.Area, """{"dataframe_records": [{"size": 3, "width": 2, "note": "x", "target": 6}]}""");
        var mistyped = await Client.PostJsonAsync($"/models/{models.Area}/invocations", """{"dataframe_records": [{"size": 3, "widht": 2, "target": 6}]}""")
            .ShouldBeAsync(HttpStatusCode.BadRequest);

        whole["predictions"]!.AsArray().Should().HaveCount(1);
        ((string)mistyped["message"]!).Should().Contain("widht").And.Contain("width").And.NotContain("target");
    }

    private async Task<IReadOnlyList<string>> AskAsync(string model, IReadOnlyList<JsonObject> rows)
    {
        var body = new JsonObject { ["model"] = model, ["rows"] = new JsonArray([.. rows.Select(row => row.DeepClone())]) };
        return Texts((await PredictAsync(body.ToJsonString()))["predictions"]!);
    }

    private Task<JsonNode> PredictAsync(string json) => Client.PostJsonAsync("/predict", json).ShouldBeAsync(HttpStatusCode.OK);

    private async Task<IReadOnlyList<(string Face, IReadOnlyList<string> Answer)>> AnswersAsync(string model, IReadOnlyList<JsonObject> rows)
    {
        var records = new JsonArray([.. rows.Select(row => row.DeepClone())]).ToJsonString();
        var split = new JsonObject
        {
            ["columns"] = new JsonArray([.. Columns.Reverse().Select(column => JsonValue.Create(column))]),
            ["data"] = new JsonArray([.. rows.Select(row => new JsonArray([.. Columns.Reverse().Select(column => row[column]?.DeepClone())]))]),
        };
        var columns = new JsonObject(Columns.Select(
            column => KeyValuePair.Create(column, (JsonNode?)new JsonArray([.. rows.Select(row => row[column]?.DeepClone())]))));
        var tensors = new JsonArray([.. Columns.Select(column => new JsonObject
        {
            ["name"] = column,
            ["datatype"] = column switch { "size" or "width" => "FP64", "fresh" => "BOOL", _ => "BYTES" },
            ["shape"] = column == "size" ? new JsonArray(rows.Count, 1) : new JsonArray(rows.Count),
            ["data"] = columns[column]!.DeepClone(),
        })]);
        var csv = Csv(rows, ',');
        var lines = string.Concat(rows.Select(row => row.ToJsonString() + "\n"));
        return
        [
            ("dataframe_split", Texts((await InvokeAsync(model, $$"""{"dataframe_split": {{split.ToJsonString()}} }"""))["predictions"]!)),
            ("dataframe_records", Texts((await InvokeAsync(model, $$"""{"dataframe_records": {{records}} }"""))["predictions"]!)),
            ("instances", Texts((await InvokeAsync(model, $$"""{"instances": {{records}} }"""))["predictions"]!)),
            ("inputs", Texts((await InvokeAsync(model, $$"""{"inputs": {{columns.ToJsonString()}} }"""))["predictions"]!)),
            ("MLflow's CSV", Texts((await SendAsync($"/models/{model}/invocations", csv, "text/csv"))["predictions"]!)),
            ("CSV", await StreamAsync(model, csv, "text/csv", Cell)),
            ("CSV with semicolons", await StreamAsync(model, Csv(rows, ';'), "text/csv; charset=utf-8", Cell)),
            ("JSON lines", await StreamAsync(
                model, lines, "application/x-ndjson", line => Texts(new JsonArray(JsonNode.Parse(line)!["prediction"]!.DeepClone()))[0])),
            ("infer", Texts((await InferAsync(model, $$"""{"inputs": {{tensors.ToJsonString()}} }"""))["outputs"]![0]!["data"]!)),
        ];
    }

    /// <summary>The first cell of a line.</summary>
    private static string? Cell(string line) =>
        line.Split(',')[0] is var cell && cell == "prediction" ? null
        : double.TryParse(cell, CultureInfo.InvariantCulture, out var number) ? number.ToString("R", CultureInfo.InvariantCulture)
        : cell;

    private async Task<IReadOnlyList<string>> StreamAsync(string model, string text, string type, Func<string, string?> read)
    {
        var content = new StringContent(text);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var answer = await Client.PostAsync($"/predict?model={model}", content);
        var body = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, body);
        return [.. body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(read).OfType<string>()];
    }

    private static string Csv(IReadOnlyList<JsonObject> rows, char delimiter)
    {
        var text = new StringBuilder(string.Join(delimiter, Columns) + "\n");
        foreach (var row in rows)
        {
            text.AppendJoin(delimiter, Columns.Select(column => row[column] switch
            {
                null => "",
                var cell when cell.GetValueKind() == JsonValueKind.String => $"\"{((string)cell!).Replace("\"", "\"\"", StringComparison.Ordinal)}\"",
                var cell => cell.ToJsonString(),
            })).Append('\n');
        }
        return text.ToString();
    }

    private Task<JsonNode> InvokeAsync(string model, string json) =>
        Client.PostJsonAsync($"/models/{model}/invocations", json).ShouldBeAsync(HttpStatusCode.OK);

    private Task<JsonNode> InferAsync(string model, string json) => Client.PostJsonAsync($"/v2/models/{model}/infer", json).ShouldBeAsync(HttpStatusCode.OK);

    private Task<JsonNode> SendAsync(string path, string text, string type)
    {
        var content = new StringContent(text);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return Client.PostAsync(path, content).ShouldBeAsync(HttpStatusCode.OK);
    }

    /// <summary>Numbers to the last bit, labels as they stand in the data.</summary>
    private static IReadOnlyList<string> Texts(JsonNode array) => [.. array.AsArray().Select(item => item!.GetValueKind() == JsonValueKind.String
        ? (string)item!
        : item.GetValue<double>().ToString("R", CultureInfo.InvariantCulture))];
}
