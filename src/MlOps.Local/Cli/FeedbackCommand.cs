using System.CommandLine;
using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Feedback;
using MlOps.Serving.Predictions;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary><c>feedback</c>: what came true of predictions.</summary>
internal static class FeedbackCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "The model's name" };
    private static readonly Argument<FileInfo> From = new("FILE") { Description = "A CSV with the columns id or key, and actual" };

    public static Command Create()
    {
        var command = new Command("feedback", "Tell what came true of predictions; the same again changes nothing") { Model, From };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancel)
    {
        var terminal = new Terminal();
        var (name, file) = (parsed.GetValue(Model)!, parsed.GetValue(From)!);
        if (!file.Exists)
        {
            throw new InputException($"There is no file '{file.FullName}'.");
        }
        var text = await File.ReadAllBytesAsync(file.FullName, cancel);
        await using var storage = await ConnectedStorage.OpenAsync(GlobalOptions.Read(parsed), terminal, cancel);
        var described = await storage.Services.GetRequiredService<ScoringService>().DescribeAsync(name, version: null, cancel);
        if (described is not PredictionResult.Predicted model)
        {
            throw new InputException($"Model '{name}' has no version in production whose predictions this could be about. 'models' lists those that have.");
        }
        using var rows = new RowsBuilder();
        var items = FeedbackItems.Read(
            FeedbackItems.ReadCsv(text, storage.Services.GetRequiredService<InputLimits>(), rows), model,
            storage.Services.GetRequiredService<TimeProvider>().GetUtcNow());
        var count = await storage.Services.GetRequiredService<FeedbackStore>().AddAsync(model.Model, items, cancel);
        terminal.Out.MarkupLineInterpolated(
            CultureInfo.InvariantCulture, $"[green]Model {name}: {count.Stored:N0} stored, {count.Repeated:N0} told before, {count.Changed:N0} changed.[/]");
        return ExitCode.Done;
    }
}
