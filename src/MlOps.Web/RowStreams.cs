using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;
using MlOps.Web.Protocols;

namespace MlOps.Web;

/// <summary>How rows come in as a text, and answers go out as one.</summary>
internal abstract class RowStream
{
    public abstract string ContentType { get; }

    public abstract TextBlocks Open(Stream body, InputLimits limits);

    /// <summary>Reads a block's rows, with the line on which each starts; what stops reading is told by the last, after which nothing comes.</summary>
    public abstract StreamedRows Read(ReadOnlyMemory<byte> block);

    /// <summary>What stands before all answers.</summary>
    public virtual void Begin(IBufferWriter<byte> output)
    {
    }

    public abstract void Write(IBufferWriter<byte> output, PredictionResult.Predicted predicted, Prediction prediction, string id);

    public abstract void WriteError(IBufferWriter<byte> output, long? line, string message);
}

/// <param name="Rows">The rows.</param>
/// <param name="Lines">On which line each starts, from 1.</param>
/// <param name="Problem">Why no row comes after these; null: nothing stopped reading.</param>
/// <param name="Owners">What the rows live in.</param>
internal sealed record StreamedRows(
    IReadOnlyList<JsonElement> Rows, IReadOnlyList<long> Lines, LineFault? Problem, IReadOnlyList<IDisposable> Owners) : IDisposable
{
    public void Dispose()
    {
        foreach (var owner in Owners)
        {
            owner.Dispose();
        }
    }
}

/// <summary>A row that ends a stream.</summary>
internal sealed class LineFault(long? line, string message) : Exception(line is null ? message : $"Line {line}: {message}")
{
    /// <summary>Its line, from 1; null where the message says it.</summary>
    public long? Line => line;
}

/// <summary>A JSON object a line, both ways.</summary>
internal sealed class JsonLines(int depth) : RowStream
{
    private long lines;

    public override string ContentType => PredictionsApi.ContentType;

    public override TextBlocks Open(Stream body, InputLimits limits) => new(body, isCsv: false, limits);

    public override StreamedRows Read(ReadOnlyMemory<byte> block)
    {
        var (rows, starts, documents) = (new List<JsonElement>(), new List<long>(), new List<IDisposable>());
        while (!block.IsEmpty)
        {
            var end = block.Span.IndexOf((byte)'\n') is >= 0 and var found ? found : block.Length;
            var line = block[..end];
            block = block[Math.Min(end + 1, block.Length)..];
            if (++lines == 1 && line.Span.StartsWith(Encoding.UTF8.Preamble))
            {
                line = line[Encoding.UTF8.Preamble.Length..];
            }
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) < 0)
            {
                continue;
            }
            try
            {
                var document = JsonBody.Parse(line, depth);
                documents.Add(document);
                rows.Add(document.RootElement);
                starts.Add(lines);
            }
            catch (BadHttpRequestException malformed)
            {
                var message = malformed.Message.Replace("The body is not valid JSON: line 1, ", "Not valid JSON: ", StringComparison.Ordinal);
                return new StreamedRows(rows, starts, new LineFault(lines, message), documents);
            }
        }
        return new StreamedRows(rows, starts, Problem: null, documents);
    }

    public override void Write(IBufferWriter<byte> output, PredictionResult.Predicted predicted, Prediction prediction, string id) =>
        Write(output, PredictApi.One(predicted, prediction, id));

    public override void WriteError(IBufferWriter<byte> output, long? line, string message) => Write(output, new StreamError(message, line));

    private static void Write<T>(IBufferWriter<byte> output, T line)
    {
        output.Write(JsonSerializer.SerializeToUtf8Bytes(line, Json.Options));
        output.Write("\n"u8);
    }
}

/// <summary>The last line of a stream that could not go on.</summary>
/// <param name="Error">What to do.</param>
/// <param name="Line">The line of the body, from 1; null where it is not a line's fault.</param>
public sealed record StreamError(string Error, long? Line);

/// <summary>A CSV with a header, both ways.</summary>
/// <param name="contract">What the model takes and gives.</param>
/// <param name="task">What it predicts.</param>
/// <param name="limits">How long a row may be.</param>
internal sealed class CsvStream(ModelContract contract, TaskKind task, InputLimits limits) : RowStream
{
    public const string Type = "text/csv";

    private const string IdColumn = "prediction_id";

    private readonly CsvRows csv = new([.. contract.Signature.Inputs.Select(input => input.Name)], limits);
    private TextBlocks? blocks;

    public override string ContentType => $"{Type}; charset=utf-8; header=present";

    public override TextBlocks Open(Stream body, InputLimits limits) => blocks = new TextBlocks(body, isCsv: true, limits);

    public override StreamedRows Read(ReadOnlyMemory<byte> block)
    {
        var (rows, starts, problem) = (new RowsBuilder(), new List<long>(), (LineFault?)null);
        try
        {
            csv.Read(block, _ => _ => true, rows, starts);
            blocks!.Delimiter = csv.Delimiter;
        }
        catch (InputException wrong)
        {
            problem = new LineFault(null, wrong.Message);
        }
        return new StreamedRows(rows.Build(), starts, problem, [rows]);
    }

    public override void Begin(IBufferWriter<byte> output) =>
        Write(output, contract.Labels.Select(label => $"probability_{label}").Prepend("prediction").Append(IdColumn));

    public override void Write(IBufferWriter<byte> output, PredictionResult.Predicted predicted, Prediction prediction, string id)
    {
        if (!predicted.Contract.Labels.SequenceEqual(contract.Labels))
        {
            throw new InputException("A version with other classes was promoted meanwhile, which the header does not have: send these rows again.");
        }
        Write(output, task == TaskKind.Regression
            ? [Text(prediction.Score), id]
            : [prediction.Label!, .. TargetValues.Probabilities(prediction).Select(Text), id]);
    }

    public override void WriteError(IBufferWriter<byte> output, long? line, string message) =>
        Write(output, contract.Labels.Select(_ => "").Prepend($"error: {message}").Append(""));

    /// <summary>NaN and infinities are no numbers to readers of CSV: there is no prediction then.</summary>
    private static string Text(double value) => double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "";

    private static void Write(IBufferWriter<byte> output, IEnumerable<string> cells) =>
        output.Write(Encoding.UTF8.GetBytes(string.Join(',', cells.Select(CsvCell.Of)) + "\n"));
}
