using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Testing;

namespace MlOps.Web.Tests.Hostile;

/// <summary>What is too large, too deep, too many or too slow is refused with the limit and the setting that raises it.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class RequestLimitsTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public async Task A_body_that_is_nested_too_deeply_is_refused(string open, string close)
    {
        foreach (var levels in new[] { 65, 100_000 })
        {
            var body = string.Concat(Enumerable.Repeat(open, levels)) + "1" + string.Concat(Enumerable.Repeat(close, levels));

            (await Client.PostJsonAsync("/predict", body).ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
                .Be("The body is nested deeper than 64 levels. Nothing here needs as many; the setting is Limits__JsonDepth.");
        }
    }

    [Fact]
    public async Task A_row_of_more_columns_than_may_be_is_refused()
    {
        await using var host = await LimitedAsync(limits => limits with { Columns = 3 });
        var body = """{"rows": [{"a": 1}, {"a": 1, "b": 2, "c": 3, "d": 4}]}""";

        (await host.Client.PostJsonAsync("/predict", body).ShouldFailAsync(HttpStatusCode.BadRequest)).Should()
            .Contain("A row has more than 3 columns").And.Contain("Limits__Columns");
    }

    [Fact]
    public async Task A_body_that_does_not_come_in_time_is_given_up()
    {
        await using var host = await LimitedAsync(limits => limits with { RequestSeconds = 1 });

        var answer = await SendInPartAsync(host, "POST /predict", "{\"features\": ", pause: TimeSpan.Zero);

        answer.Should().StartWith("HTTP/1.1 408").And.Contain("The request took longer than 1 seconds").And.Contain("Limits__RequestSeconds");
    }

    [Theory]
    [InlineData("POST /predict")]
    [InlineData("PUT /raw/slow/rows.csv")]
    public async Task A_body_that_comes_too_slowly_is_given_up(string request)
    {
        await using var host = await LimitedAsync(limits => limits with { BytesPerSecond = 1_000_000 });

        var answer = await SendInPartAsync(host, request, "{\"features\": ", pause: TimeSpan.FromSeconds(1));

        answer.Should().StartWith("HTTP/1.1 408").And.Contain("fewer than 1,000,000 bytes a second").And.Contain("Limits__BytesPerSecond");
        host.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("POST", "/predict", "gzip")]
    [InlineData("PUT", "/raw/packed/rows.csv", "gzip")]
    [InlineData("PUT", "/pipelines/packed", "br")]
    [InlineData("POST", "/pipelines/packed/runs", "identity, deflate")]
    public async Task A_packed_body_is_not_taken(string verb, string path, string encoding)
    {
        using var request = new HttpRequestMessage(new HttpMethod(verb), path) { Content = new ByteArrayContent([0x1f, 0x8b, 8, 0]) };
        request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

        (await Client.SendAsync(request).ShouldFailAsync(HttpStatusCode.UnsupportedMediaType)).Should().Contain("send it as it is").And.Contain(".csv.gz");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_is_too_large_is_refused_and_not_kept(bool announced)
    {
        await using var host = await LimitedAsync(limits => limits with { FileBytes = 1000 });
        var request = new HttpRequestMessage(HttpMethod.Put, $"/raw/{Model}/rows.csv") { Content = new ByteArrayContent(new byte[5000]) };
        request.Headers.TransferEncodingChunked = !announced;

        (await host.Client.SendAsync(request).ShouldFailAsync(HttpStatusCode.RequestEntityTooLarge)).Should()
            .Contain("larger than 1,000 bytes").And.Contain("Limits__FileBytes");
        (await host.Storage.Raw.GetBlobClient($"{Model}/rows.csv").ExistsAsync()).Value.Should().BeFalse();
    }

    [Fact]
    public async Task A_file_is_packed_by_its_name_alone()
    {
        var content = new ByteArrayContent([0x1f, 0x8b, 8, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/gzip") } };

        await Client.PutAsync($"/raw/{Model}/rows.csv.gz", content).ShouldBeAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_million_unknown_keys_take_no_time()
    {
        var body = "{" + string.Join(',', Enumerable.Range(0, 500_000).Select(i => $"\"featurez{i}\":1")) + "}";
        var budget = Budget.Start();

        await Client.PostJsonAsync("/predict", body).ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.PutJsonAsync($"/pipelines/{Model}", body).ShouldFailAsync(HttpStatusCode.BadRequest);

        budget.IsOver(TimeSpan.FromSeconds(6)).Should().BeFalse();
    }

    private Task<WebHost> LimitedAsync(Func<InputLimits, InputLimits> change) => WebHost.StartAsync(
        Azurite.NewStorage(), services => services.ChangeOptions(options => options with { Limits = change(options.Limits) }));

    /// <summary>Announces a body, sends a part of it, and reads what comes back.</summary>
    private static async Task<string> SendInPartAsync(WebHost host, string request, string part, TimeSpan pause)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{request} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{part}"));
        using var answered = new CancellationTokenSource();
        var sending = Task.Run(async () =>
        {
            while (pause > TimeSpan.Zero && !answered.IsCancellationRequested)
            {
                await Task.Delay(pause, answered.Token).ContinueWith(_ => { }, TaskScheduler.Default);
                await stream.WriteAsync("1,"u8.ToArray());
            }
        });
        var text = new StringBuilder();
        var buffer = new byte[4096];
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!text.ToString().Contains("traceId", StringComparison.Ordinal) && await stream.ReadAsync(buffer, patience.Token) is var read and > 0)
        {
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        await answered.CancelAsync();
        await sending.ContinueWith(_ => { }, TaskScheduler.Default);
        return text.ToString();
    }
}
