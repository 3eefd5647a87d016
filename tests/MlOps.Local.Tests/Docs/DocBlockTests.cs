using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using MlOps.Testing;
using MlOps.Testing.Docs;

namespace MlOps.Local.Tests.Docs;

/// <summary>
/// That each block of README and docs is of a kind that some test reads, and what is said to other programs than this one. Commands of this program are
/// <see cref="DocVerbTests"/> and <see cref="DocRunTests"/>, C# is <see cref="DocCodeTests"/>; requests and JSON are those of the HTTP face's tests.
/// </summary>
public sealed partial class DocBlockTests
{
    private static readonly string[] Diagrams = ["flowchart TB", "flowchart TD", "flowchart LR", "sequenceDiagram", "stateDiagram-v2"];

    [Fact]
    public void Every_block_is_of_a_kind_that_is_tested()
    {
        DocBlock.All.Count.Should().BeGreaterThan(70);
        foreach (var block in DocBlock.All)
        {
            DocBlock.Languages.Should().Contain(block.Language, "{0} has no test that reads it", block);
            if (block.Language == "mermaid")
            {
                Diagrams.Should().Contain(block.Lines.First(line => !line.StartsWith("%%", StringComparison.Ordinal)).Trim(), block.ToString());
            }
        }
    }

    [UnixFact]
    public async Task What_is_said_to_other_programs_names_what_there_is()
    {
        var commands = await DocCommand.ReadAllAsync();

        foreach (var command in commands)
        {
            command.Calls.Should().NotBeEmpty(command.ToString());
            foreach (var call in command.Calls.Where(call => call[0] != "curl" && DocProgram.WordsOf(call) is null))
            {
                Fault(call).Should().BeNull("of {0}", command);
            }
        }
    }

    [Fact]
    public void A_scrape_configuration_asks_the_port_that_the_host_serves_on()
    {
        var yaml = DocBlock.All.Single(block => block.Language == "yaml");

        yaml.Text.Should().StartWith("scrape_configs:\n  - job_name: ").And.NotContain("\t");
        yaml.Text.Should().Contain($"targets: [\"127.0.0.1:{Local.Hosting.HostSettings.DefaultPort}\"]");
        yaml.Text.Count(sign => sign is '{' or '[').Should().Be(yaml.Text.Count(sign => sign is '}' or ']'));
    }

    /// <summary>What is wrong with a command that is not this program's; null: nothing.</summary>
    private static string? Fault(string[] call) => call switch
    {
        ["dotnet", "build" or "test", var solution] => Missing(solution),
        ["dotnet", "pack", "-c", "Release", var project, "-o", "packages"] => Missing(project),
        ["dotnet", "publish", var project, "-c", "Release", "-r", "linux-x64", "--self-contained", "false", "-o", "out"] => Missing(project),
        ["dotnet", "tool", "restore"] => Missing(".config/dotnet-tools.json"),
        ["dotnet", "stryker", "--concurrency", "2"] => ToolVersion("dotnet-stryker") is null ? "the tools have no stryker" : null,
        ["dotnet", "tool", "install" or "update", "--global", "MlOps.Functions.Tool", "--prerelease", "--add-source", "packages"] =>
            PropertyOf("src/MlOps.Local/MlOps.Local.csproj", "PackageId") == "MlOps.Functions.Tool" ? null : "the tool has another name",
        ["dotnet", "tool", "install", "--global", "Microsoft.OpenApi.Kiota"] => Within(".ci/check-openapi", "dotnet tool install Microsoft.OpenApi.Kiota "),
        ["kiota", "generate", "-l", "CSharp", "-d", "http://127.0.0.1:7071/openapi.json", "-c", "MlOpsClient", "-n", _, "-o", _] =>
            Within(".ci/check-openapi", "generate -l CSharp -d openapi.json -c MlOpsClient -n "),
        [".ci/run"] => Missing(".ci/run"),
        // Between the folders of a checkout; out is what dotnet publish has made.
        ["cd", "out"] => null,
        ["cd", var folder] => Missing(folder),
        ["cp", "local.settings.sample.json", "local.settings.json"] => Missing("local.settings.sample.json"),
        ["cp", "local.settings.json", "out"] => null,
        ["npx", "azurite", "--silent", "--location", ".mlops/azurite"] => Within("src/MlOps.Local/Storage/azurite/package.json", "\"azurite\""),
        ["func", "start", "--no-build"] => Missing("host.json"),
        ["source"] => null,
        ["jq", "-r", ".url"] => null,
        ["az", "login"] or ["azd", "auth", "login"] or ["azd", "env", "new", _] => null,
        ["azd", "up"] => Missing("azure.yaml"),
        ["azd", "env", "set", var variable, _] => Within("infra/main.bicepparam", $"readEnvironmentVariable('{variable}'"),
        ["azd", "env", "get-value", var output] => Within("infra/main.bicep", $"\noutput {output} "),
        ["export", .. var variables] => variables.All(variable => OtelVariable().IsMatch(variable)) ? null : "no test knows this variable",
        _ => $"no test knows '{string.Join(' ', call)}'",
    };

    private static string? Missing(string path)
    {
        var whole = Path.Combine(DocBlock.Root, path);
        return File.Exists(whole) || Directory.Exists(whole) ? null : $"there is no {path}";
    }

    private static string? Within(string file, string text) => DocBlock.Read(file).Contains(text, StringComparison.Ordinal) ? null : $"{file} has no '{text}'";

    private static string? ToolVersion(string tool) => (string?)JsonNode.Parse(DocBlock.Read(".config/dotnet-tools.json"))!["tools"]![tool]?["version"];

    private static string PropertyOf(string project, string property) =>
        XDocument.Parse(DocBlock.Read(project)).Descendants(property).Single().Value;

    /// <summary>OpenTelemetry's own: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.</summary>
    [GeneratedRegex("^(OTEL_EXPORTER_OTLP_ENDPOINT=http://.+:4317|OTEL_TRACES_SAMPLER=parentbased_traceidratio|OTEL_TRACES_SAMPLER_ARG=0.01)$")]
    private static partial Regex OtelVariable();
}
