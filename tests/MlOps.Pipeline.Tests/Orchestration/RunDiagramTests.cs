using System.Runtime.CompilerServices;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Tests.Orchestration;

public sealed class RunDiagramTests
{
    [Fact]
    public void The_documentation_shows_the_run_as_it_is() =>
        Documentation().Should()
            .Contain($"```mermaid\n{RunDiagram.Write()}```", "docs/architecture.md has to show what TrainingPipeline does; put the expected text there");

    [Fact]
    public void No_stage_is_missing_in_the_picture()
    {
        var lines = RunDiagram.Write().Split('\n');

        PipelineStages.All.Should()
            .OnlyContain(stage => lines.Any(line => line.Contains($"> {stage.Type.Name}", StringComparison.Ordinal) || line.StartsWith(
                $"  {stage.Type.Name} -", StringComparison.Ordinal)));
    }

    private static string Documentation([CallerFilePath] string source = "") =>
        File.ReadAllText(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../../../docs/architecture.md")));
}
