using System.Net;
using System.Net.Sockets;
using MlOps.Testing;

namespace MlOps.Local.Tests.Cli;

/// <summary>What a person who starts the program on an unprepared machine, or mistypes, is told.</summary>
public sealed class EnvironmentProblemTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-cli-").FullName;

    [Fact]
    public async Task Missing_Node_is_one_sentence_that_says_what_to_do()
    {
        await using var process = LocalProcess.Start(new Dictionary<string, string?> { ["PATH"] = folder }, "demo", "--once", "--port", "0", "--data", Data);

        var exitCode = await process.ExitCodeAsync();

        AssertOneSentence(
            (exitCode, process.Output, process.Errors),
            "Node.js 20 or later is needed: install it from https://nodejs.org and try again, or pass --storage with a connection string.");
    }

    [Fact]
    public async Task A_taken_port_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var result = await LocalProcess.RunAsync("demo", "--once", "--data", Data, "--port", $"{port}");

        AssertOneSentence(result, $"Port {port} is taken by another process: choose another one with --port.");
        Directory.Exists(Data).Should().BeFalse("nothing is started on a port that is taken");
    }

    [Fact]
    public async Task A_data_folder_that_cannot_be_made_is_named()
    {
        await File.WriteAllTextAsync(Data, "a file is here");

        var (exitCode, output, errors) = await LocalProcess.RunAsync("demo", "--once", "--port", "0", "--data", Data);

        (exitCode, output).Should().Be((2, ""));
        errors.Should().StartWith($"The data folder {Data} cannot be written: ").And.EndWith("Name another one with --data.").And.NotContain("\n");
    }

    [Fact]
    public async Task A_missing_file_is_named()
    {
        var file = Path.Combine(folder, "not-there.csv");

        var result = await LocalProcess.RunAsync("train", file, "--target", "y", "--data", Data);

        AssertOneSentence(result, $"There is no file '{file}'.");
    }

    [Fact]
    public async Task Storage_that_does_not_answer_is_an_environment_problem()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var port = ((IPEndPoint)silent.LocalEndpoint).Port;
        silent.Stop();
        var address = $"http://127.0.0.1:{port}/a";
        var storage = $"DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint={address};TableEndpoint={address}";

        var result = await LocalProcess.RunAsync("runs", "--storage", storage);

        AssertOneSentence(result, "The storage does not answer (it cannot be reached): check what was given with --storage.");
    }

    [Theory]
    [InlineData("--frobnicate", "up", "--frobnicate")]
    [InlineData("make-coffee", "make-coffee")]
    [InlineData("--target", "train", "file.csv")]
    [InlineData("clusters", "train", "file.csv", "--target", "y", "--task", "clusters")]
    [InlineData("many", "up", "--port", "many")]
    [InlineData("70000", "up", "--port", "70000")]
    [InlineData("--storage", "runs", "--storage", "nonsense")]
    [InlineData("blob address", "runs", "--storage", "https://example.org")]
    [InlineData("0.0.0.0", "up", "--listen", "everywhere")]
    [InlineData("--serve-only needs --storage", "up", "--serve-only")]
    [InlineData("column=value", "predict", "--data", "unused", "distance")]
    public async Task A_wrong_command_line_ends_with_2_and_names_what_is_wrong(string named, params string[] arguments)
    {
        var (exitCode, output, errors) = await LocalProcess.RunAsync(arguments);

        exitCode.Should().Be(2, errors);
        output.Should().BeEmpty();
        errors.Should().Contain(named).And.NotContain("   at ");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Data => Path.Combine(folder, "data");

    private static void AssertOneSentence((int ExitCode, string Output, string Errors) result, string sentence)
    {
        result.Errors.Should().Be(sentence);
        result.ExitCode.Should().Be(2);
        result.Output.Should().BeEmpty();
    }
}
