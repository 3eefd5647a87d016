using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Web.Tests.Protocols;

/// <summary>Rows as CSV and JSON lines to POST /predict. A row with "wrong" is refused.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class PredictStreamTests(AzuriteFixture azurite, FakeModels models) : ProtocolTests(models)
{
    private const string Csv = "text/csv";
    private const string Lines = "application/x-ndjson";

    [Fact]
    public async Task A_CSV_is_answered_with_a_CSV()
    {
        await Registry.AddProductionAsync(Model);

        using var answer = await SendAsync("a,b\n1,2\n\n\"3\",\n", Csv);

        (answer.StatusCode, answer.Content.Headers.ContentType!.ToString()).Should().Be((HttpStatusCode.OK, "text/csv; charset=utf-8; header=present"));
        (await answer.Content.ReadAsStringAsync()).WithoutIds().Should().Be("prediction,prediction_id\n1,ID-0\n1,ID-1\n");
    }

    [Fact]
    public async Task Classes_have_a_column_of_probability_each()
    {
        await Registry.AddProductionAsync(Model, TaskKind.Binary);
        Host.Scorers.Score = _ => 0.75;

        using var answer = await SendAsync("a\n1\n", Csv);

        (await answer.Content.ReadAsStringAsync()).WithoutIds().Should().Be("prediction,probability_no,probability_yes,prediction_id\nyes,0.25,0.75,ID\n");
    }

    [Fact]
    public async Task A_JSON_line_is_answered_as_one_row_is()
    {
        await Registry.AddProductionAsync(Model);

        using var answer = await SendAsync("\ufeff{\"a\": 1}\r\n\n {\"a\": 2}", Lines);

        var line = $$"""{"prediction":1,"model":"{{Model}}","version":1,"variant":"production","id":"ID"}""" + "\n";
        answer.Content.Headers.ContentType!.ToString().Should().Be(Lines);
        Regex.Replace((await answer.Content.ReadAsStringAsync()).WithoutIds(), "ID-[01]", "ID").Should().Be(line + line);
    }

    [Theory]
    [InlineData("", Lines, "")]
    [InlineData("a,b\n", Csv, "prediction,prediction_id\n")]
    [InlineData("", Csv, "prediction,prediction_id\n")]
    public async Task Nothing_is_answered_with_nothing(string text, string type, string expected)
    {
        await Registry.AddProductionAsync(Model);

        using var answer = await SendAsync(text, type);

        (answer.StatusCode, await answer.Content.ReadAsStringAsync()).Should().Be((HttpStatusCode.OK, expected));
    }

    [Theory]
    [InlineData("{\"a\": 1}\n{\"a\": 1}\n\n{\"wrong\": 1}\n{\"a\": 1}\n", "Line 4: feature 'a' is missing. feature 'b' must be a number.", 4)]
    [InlineData("{\"a\": 1}\n{\"a\": 1}\n{\"a\": 1\n{\"a\": 1}\n", "Line 3: Not valid JSON: position ", 3)]
    public async Task The_answer_ends_with_the_line_that_is_wrong_after_those_before_it(string text, string message, int line)
    {
        await Registry.AddProductionAsync(Model);

        using var answer = await SendAsync(text, Lines);

        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        lines.Should().HaveCount(3);
        lines[..2].Should().OnlyContain(good => good.StartsWith("{\"prediction\":1,"));
        var error = JsonNode.Parse(lines[2])!;
        ((string)error["error"]!).Should().StartWith(message);
        ((int)error["line"]!).Should().Be(line);
    }

    [Theory]
    [InlineData("a,wrong\n1,1\n", HttpStatusCode.BadRequest, "Line 2: feature 'a' is missing.")]
    [InlineData("a,b\n1\n", HttpStatusCode.BadRequest, "Line 2 has 1 cell; the header has 2.")]
    [InlineData("a,b\r1,2\r", HttpStatusCode.BadRequest, "end lines with a line feed")]
    public async Task What_is_wrong_with_the_first_row_is_a_problem(string text, HttpStatusCode status, string message)
    {
        await Registry.AddProductionAsync(Model);

        (await SendAsync(text, Csv).ShouldFailAsync(status)).Should().Contain(message);
    }

    [Fact]
    public async Task A_CSV_ends_with_an_error_in_the_column_of_predictions()
    {
        await Registry.AddProductionAsync(Model);

        using var answer = await SendAsync("a,b\n1,2\n1,2,3\n1,2\n", Csv);

        (await answer.Content.ReadAsStringAsync()).WithoutIds().Should()
            .Be("prediction,prediction_id\n1,ID\nerror: Line 3 has 3 cells; the header has 2.,\n");
    }

    [Fact]
    public async Task Rows_are_answered_while_the_next_are_not_sent_yet()
    {
        await Registry.AddProductionAsync(Model);
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(Client.BaseAddress!.Host, Client.BaseAddress.Port);
        await using var wire = client.GetStream();
        using var reader = new StreamReader(wire);
        var send = (string text) => wire.WriteAsync(Encoding.ASCII.GetBytes(text)).AsTask();

        await send(
            $"POST /predict?model={Model} HTTP/1.1\r\nHost: {Client.BaseAddress.Authority}\r\nContent-Type: {Lines}\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (var i = 0; i < 3; i++)
        {
            await send("9\r\n{\"a\": 1}\n\r\n");
            while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) is { } line
                && !line.StartsWith("{\"prediction\":1,", StringComparison.Ordinal))
            {
            }
        }
        await send("0\r\n\r\n");

        (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30))).Should().BeEmpty();
        (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30))).Should().Be("0");
    }

    [Fact]
    public async Task A_stream_may_be_larger_than_other_bodies_and_has_a_limit_of_its_own()
    {
        // HttpClient reads nothing before it has sent all: a host that waited for it to read would never end.
        const int Rows = 60_000;
        await using var host = await WebHost.StartAsync(
            azurite.NewStorage(),
            services => services.AddSingleton(new InputLimits { JsonBytes = 1024, RequestRows = 100, StreamBytes = 1_000_000 }));
        await Registry.AddProductionAsync(Model);
        var fine = string.Concat(Enumerable.Range(0, Rows).Select(i => string.Create(CultureInfo.InvariantCulture, $"{{\"a\": {i}}}\n")));

        using var answer = await SendAsync(fine, Lines, host.Client);
        using var over = await SendAsync(fine, Lines, host.Client, chunked: true, times: 2);
        var announced = await SendAsync(fine + fine, Lines, host.Client).ShouldFailAsync(HttpStatusCode.RequestEntityTooLarge);

        fine.Length.Should().BeLessThan(1_000_000).And.BeGreaterThan(500_000);
        (await answer.Content.ReadAsStringAsync()).Count(c => c == '\n').Should().Be(Rows);
        (await over.Content.ReadAsStringAsync()).TrimEnd().Split('\n')[^1].Should().StartWith("{\"error\":\"The body is larger than 1,000,000 bytes.");
        announced.Should().Contain("Limits__StreamBytes");
    }

    [Theory]
    [InlineData("text/csv; charset=latin-1")]
    [InlineData("text/csv; header=absent")]
    public async Task Only_UTF8_is_taken(string type) =>
        (await SendAsync("a\n1\n", type).ShouldFailAsync(HttpStatusCode.UnsupportedMediaType)).Should().NotBeEmpty();

    [Fact]
    public async Task An_unknown_model_is_a_problem()
    {
        await Registry.AddVersionAsync(Model);

        await SendAsync("{}\n", Lines, model: "no-such-model").ShouldFailAsync(HttpStatusCode.NotFound);
        await SendAsync("{}\n", Lines).ShouldFailAsync(HttpStatusCode.ServiceUnavailable);
    }

    private async Task<HttpResponseMessage> SendAsync(
        string text, string type, HttpClient? client = null, bool chunked = false, int times = 1, string? model = null)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times))));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/predict?model={model ?? Model}") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        return await (client ?? Client).SendAsync(request);
    }
}
