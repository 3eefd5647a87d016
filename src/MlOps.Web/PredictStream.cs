using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>
/// <c>POST /predict</c> of rows that come as a text, CSV or JSON lines: each is answered while the next come in. What is wrong up to the first row is a
/// problem like any other; afterwards the last line of the answer says it, as the status has been sent.
/// </summary>
internal sealed class PredictStream(HttpRequest request, PredictionService predictions, InputLimits limits)
{
    private const int MostRowsAtOnce = 1000;

    private static readonly string[] LineTypes = [PredictionsApi.ContentType, "application/ndjson", "application/jsonl"];

    private readonly string? model = request.Query["model"] is [{ Length: > 0 } name, ..] ? name : null;
    private readonly ArrayBufferWriter<byte> output = new();

    public static bool IsStream(HttpRequest request) =>
        request.ContentType is { } told and not "application/json" && TextType.Read(told) is var type && (type.Is(CsvStream.Type) || LineTypes.Any(type.Is));

    public static Task<IResult> AnswerAsync(HttpRequest request, PredictionService predictions, InputLimits limits, CancellationToken cancel) =>
        new PredictStream(request, predictions, limits).AnswerAsync(cancel);

    private async Task<IResult> AnswerAsync(CancellationToken cancel)
    {
        var type = TextType.Read(request.ContentType);
        if (type.ProblemOf([CsvStream.Type, .. LineTypes]) is { } problem)
        {
            return HttpProblems.Of(StatusCodes.Status415UnsupportedMediaType, [problem]);
        }
        if (request.ContentLength > limits.StreamBytes)
        {
            throw TooLarge();
        }
        var known = await predictions.PredictAsync(model, [], cancel);
        if (known is not PredictionResult.Predicted described)
        {
            return PredictionProblems.Of(known, "name one in the address, as ?model=");
        }
        RowStream rows = type.Is(CsvStream.Type) ? new CsvStream(described.Contract, described.Task, limits) : new JsonLines(limits.JsonDepth);
        await using var answer = new SpooledAnswer(request.HttpContext.Response);
        rows.Begin(output);
        try
        {
            await AnswerAsync(described.Model, rows, answer, cancel);
        }
        catch (Exception fault) when (answer.HasBegun && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            var logger = request.HttpContext.RequestServices.GetRequiredService<ILogger<ProblemFilter>>();
            var message = fault is LineFault ? fault.Message : ErrorFace.MessageOf(HttpProblems.For(fault, request.HttpContext, logger));
            rows.WriteError(output, (fault as LineFault)?.Line, message);
        }
        catch (LineFault first)
        {
            throw new InputException(first.Message, first);
        }
        await SendAsync(answer, rows, cancel);
        await answer.EndAsync(cancel);
        return Results.Empty;
    }

    private async Task AnswerAsync(string name, RowStream rows, SpooledAnswer answer, CancellationToken cancel)
    {
        var blocks = rows.Open(new LimitedBody(request.Body, limits.StreamBytes, TooLarge), limits);
        await foreach (var block in blocks.ReadAsync(cancel))
        {
            using var read = rows.Read(block);
            var most = Math.Min(MostRowsAtOnce, limits.RequestRows);
            for (var from = 0; from < read.Rows.Count; from += most)
            {
                await AnswerAsync(name, rows, read, from..Math.Min(from + most, read.Rows.Count), answer, cancel);
                await SendAsync(answer, rows, cancel);
            }
            if (read.Problem is { } problem)
            {
                throw problem;
            }
        }
    }

    /// <summary>Answers some rows; where one does not suit the model, those before it.</summary>
    private async Task AnswerAsync(string name, RowStream rows, StreamedRows read, Range range, SpooledAnswer answer, CancellationToken cancel)
    {
        var (from, count) = range.GetOffsetAndLength(read.Rows.Count);
        try
        {
            Write(rows, await ScoreAsync(name, [.. read.Rows.Skip(from).Take(count)], cancel));
        }
        catch (InputException)
        {
            for (var i = from; i < from + count; i++)
            {
                try
                {
                    Write(rows, await ScoreAsync(name, [read.Rows[i]], cancel));
                }
                catch (InputException wrong)
                {
                    if (i > from)
                    {
                        await SendAsync(answer, rows, cancel);
                    }
                    throw new LineFault(read.Lines[i], string.Join(' ', wrong.Problems));
                }
            }
        }
    }

    private async Task<PredictionResult.Predicted> ScoreAsync(string name, IReadOnlyList<JsonElement> rows, CancellationToken cancel)
    {
        var result = await predictions.PredictAsync(name, rows, cancel);
        return result as PredictionResult.Predicted ?? throw new InputException(ErrorFace.MessageOf(PredictionProblems.Of(result)));
    }

    private void Write(RowStream rows, PredictionResult.Predicted predicted)
    {
        foreach (var (prediction, id) in predicted.Predictions.Zip(predicted.Ids))
        {
            rows.Write(output, predicted, prediction, id);
        }
    }

    private async Task SendAsync(SpooledAnswer answer, RowStream rows, CancellationToken cancel)
    {
        if (!answer.HasBegun)
        {
            request.HttpContext.Response.ContentType = rows.ContentType;
        }
        await answer.WriteAsync(output.WrittenMemory, cancel);
        output.ResetWrittenCount();
    }

    private BadHttpRequestException TooLarge() => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"The body is larger than {limits.StreamBytes:N0} bytes. Send less at once, or raise the setting "
                + $"{InputLimits.Setting(nameof(InputLimits.StreamBytes))}."),
        StatusCodes.Status413PayloadTooLarge);
}
