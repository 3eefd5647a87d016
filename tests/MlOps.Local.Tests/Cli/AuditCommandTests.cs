using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>What commands leave in the audit trail.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class AuditCommandTests(AzuriteFixture azurite) : IDisposable
{
    private static readonly string Me = $"{Environment.UserName}@{Environment.MachineName}";

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-audit-").FullName;
    private readonly string unique = AzuriteFixture.UniqueModel("audit");

    /// <summary>The table's target is constant: each run fails soon, after it was defined.</summary>
    [Fact]
    public async Task Training_with_another_definition_than_the_current_one_is_told_and_with_the_same_it_is_not()
    {
        var file = Path.Combine(folder, "constant.csv");
        await File.WriteAllLinesAsync(file, ["a,y", .. Enumerable.Range(0, 100).Select(i => $"{i},5")]);
        var (other, refused) = (Path.Combine(folder, "other.json"), Path.Combine(folder, "refused.json"));
        await File.WriteAllTextAsync(other, $$"""{"model": "{{unique}}", "target": "y", "candidates": [{"trainer": "sdca"}]}""");
        await File.WriteAllTextAsync(refused, $$"""{"model": "{{unique}}", "target": "y", "candidates": [{"trainer": "nobody-has-it"}]}""");
        string[][] definitions = [["--target", "y"], ["--target", "y"], ["--definition", other], ["--definition", other], ["--definition", refused]];
        foreach (var definition in definitions)
        {
            var run = await RunAsync(["train", file, "--model", unique, .. definition]);
            run.ExitCode.Should().Be(1, run.Errors);
        }

        var told = await ToldAsync($"pipelines/{unique}");

        told.Should().HaveCount(3).And.OnlyContain(entry => entry.By == Me && entry.Action == "define");
        told.Select(entry => entry.Outcome).Should().Equal(AuditOutcome.Done, AuditOutcome.Done, AuditOutcome.Refused);
        told[0].From.Should().BeNull();
        told[0].To.Should().StartWith($"{unique}/");
        told[1].From.Should().Be(told[0].To);
        told[1].To.Should().StartWith($"{unique}/").And.NotBe(told[1].From);
        told[2].Detail.Should().Contain("nobody-has-it");
    }

    [Fact]
    public async Task A_key_is_told_with_its_role_when_it_is_made_and_when_it_ends()
    {
        (await RunAsync("keys", "add", unique, "--role", "operator")).ExitCode.Should().Be(0);
        (await RunAsync("keys", "revoke", unique)).ExitCode.Should().Be(0);
        (await RunAsync("keys", "revoke", unique)).ExitCode.Should().Be(1);

        (await ToldAsync($"keys/{unique}")).Select(entry => (entry.By, entry.Action, entry.From, entry.To, entry.Outcome)).Should().Equal(
            (Me, "add key", null, "role operator", AuditOutcome.Done),
            (Me, "revoke key", "role operator", null, AuditOutcome.Done),
            (Me, "revoke key", null, null, AuditOutcome.Refused));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params IEnumerable<string> command) =>
        LocalCommand.RunAsync([.. command, "--data", Path.Combine(folder, "data"), "--storage", azurite.ConnectionString]);

    /// <summary>Oldest first.</summary>
    private async Task<IReadOnlyList<AuditEntry>> ToldAsync(string subject) =>
    [
        .. (await new AuditTrail(azurite.NewStorage(), TimeProvider.System).ListAsync(1000, null, default)).Items
            .Where(entry => entry.Subject == subject).Reverse(),
    ];
}
