using System.Diagnostics;
using System.Text.RegularExpressions;
using MlOps.Local.Tests.Processes;

namespace MlOps.Local.Tests.Cli;

/// <summary>The program started from source by the README's own words: a path means what it means where the person stands.</summary>
public sealed partial class ReadmeCommandTests : IDisposable
{
    private const string Project = "src/MlOps.Local";

    private static readonly string Root = FindRoot();

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-readme-").FullName;

    [Fact]
    public async Task From_the_repository_root_a_file_is_looked_for_in_the_root()
    {
        var (exitCode, output) = await RunAsync(Root, Project);

        output.Should().Contain($"There is no file '{Path.Combine(Root, "trips.csv")}'.");
        exitCode.Should().Be(2);
    }

    [Fact]
    public async Task From_another_folder_the_file_is_read_there_and_the_data_folder_lands_there()
    {
        var file = await Trips.WriteAsync(folder, rows: 400);
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace(",fare\n", ",fare_amount\n", StringComparison.Ordinal));

        var (exitCode, output) = await RunAsync(folder, Path.Combine(Root, Project));

        exitCode.Should().Be(0, output);
        output.Should().Contain("Model trips, version 1: promoted to production.");
        Directory.Exists(Path.Combine(folder, ".mlops", "azurite")).Should().BeTrue("the state is kept where the person stands");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Runs the README's line that trains on <c>trips.csv</c>, on what is built already.</summary>
    private static async Task<(int ExitCode, string Output)> RunAsync(string standingIn, string project)
    {
        var line = TrainLine().Match(await File.ReadAllTextAsync(Path.Combine(Root, "README.md")));
        line.Success.Should().BeTrue("the README trains on trips.csv from source");
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        string[] words = [.. line.Groups["words"].Value.Split(' ').Select(word => word switch
        {
            "Release" => configuration,
            Project => project,
            _ => word,
        })];
        var start = new ProcessStartInfo("dotnet", [words[0], "--no-build", .. words[1..]])
        {
            WorkingDirectory = standingIn,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }

    private static string FindRoot()
    {
        var place = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(place.FullName, "Directory.Packages.props")))
        {
            place = place.Parent!;
        }
        return place.FullName;
    }

    [GeneratedRegex(@"^\$ dotnet (?<words>run -c Release --project src/MlOps\.Local -- train trips\.csv .+)$", RegexOptions.Multiline)]
    private static partial Regex TrainLine();
}
