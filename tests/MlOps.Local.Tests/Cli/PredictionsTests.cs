using System.Globalization;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>What is kept of one person, by the command line.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class PredictionsTests(AzuriteFixture azurite) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-predictions-").FullName;
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task The_rows_of_a_key_are_printed_as_they_are_kept_and_deleted()
    {
        var storage = azurite.NewStorage();
        var hour = DateTimeOffset.UtcNow.UtcDateTime.ToString("yyyy/MM/dd/HH", CultureInfo.InvariantCulture);
        var lines = new[] { "ann", "bob", "ann" }.Select((key, i) => $$$"""{"prediction":1,"key":"{{{key}}}","features":{"a":{{{i}}}}}""").ToList();
        await storage.Predictions.UploadBlobAsync($"{model}/{hour}/00000000-0001.jsonl", BinaryData.FromString(string.Join('\n', lines) + "\n"));

        var exported = await RunAsync("export", model, "--key", "ann", "--days", "2");
        var deleted = await RunAsync("delete", model, "--key", "ann");
        var after = await RunAsync("export", model, "--key", "ann", "--days", "2");

        (exported.ExitCode, exported.Output).Should().Be((0, $"{lines[0]}\n{lines[2]}"), exported.Errors);
        exported.Errors.Should().Contain("2 rows.");
        (deleted.ExitCode, deleted.Output).Should().Be((0, "Deleted 2 rows from 1 files of the prediction log, and 0 rows of feedback."), deleted.Errors);
        after.Output.Should().BeEmpty();
        var told = (await new AuditTrail(storage, TimeProvider.System).ListAsync(100, null, default)).Items
            .Single(entry => entry.Subject == $"models/{model}/predictions");
        (told.Action, told.From, told.To).Should().Be(("delete predictions", RowKey.FingerprintOf("ann"), "2 rows deleted"));
    }

    [Theory]
    [InlineData("must be 1 to 63 lower-case letters", "export", "No Model", "--key", "a")]
    [InlineData("--key must have 1 to 200 characters", "delete", "m", "--key", "")]
    [InlineData("--days is 0; it must be 1 to 3660.", "export", "m", "--key", "a", "--days", "0")]
    [InlineData("Option '--key' is required", "delete", "m")]
    public async Task What_cannot_be_meant_is_told(string told, params string[] command)
    {
        var run = await RunAsync(command);

        run.ExitCode.Should().NotBe(0);
        run.Errors.Should().Contain(told);
    }

    [Theory]
    [InlineData("--from is 'noon'; it must be a time such as 2026-11-26T10:00Z.", "noon")]
    [InlineData("has no version in production", "2026-11-26T10:00")]
    public async Task Data_of_predictions_that_cannot_be_made_are_refused(string told, string from)
    {
        var run = await LocalCommand.RunAsync(
            "data", "from-predictions", model, "--from", from, "--until", "2026-11-26T12:00Z", "--data", folder, "--storage", azurite.ConnectionString);

        run.ExitCode.Should().NotBe(0);
        run.Errors.Should().Contain(told);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] command) =>
        LocalProcess.RunAsync(["predictions", .. command, "--data", folder, "--storage", azurite.ConnectionString]);
}
