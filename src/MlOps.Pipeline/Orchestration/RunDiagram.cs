using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>The stages of a run with their branches and gates as a Mermaid flowchart: what the documentation shows.</summary>
public static class RunDiagram
{
    private const string AnyStep = "1";

    private static readonly Stage[] Told = [PipelineStages.Alert];

    public static string Write()
    {
        var way = TrainingPipeline.Outline(RunGoal.Model, ["each candidate"], approval: true, expects: true, new CanaryPlan([1], TimeSpan.Zero, TimeSpan.Zero));
        var text = new StringBuilder("flowchart TD\n");
        foreach (var stage in PipelineStages.All)
        {
            text.Append("  ").Append(stage.Type.Name).Append(Told.Contains(stage) ? $"([{stage.Name}])" : $"[{stage.Name}]").Append('\n');
        }
        for (var i = 0; i + 1 < way.Count; i++)
        {
            text.Append($"  {IdOf(way[i].Stage)} -->{LabelOf(way[i + 1].Key)} {IdOf(way[i + 1].Stage)}\n");
        }
        foreach (var branch in TrainingPipeline.Branches)
        {
            text.Append($"  {branch.From.Type.Name} -. \"{branch.When}\" .-> {branch.To.Type.Name}\n");
        }
        return text.ToString();
    }

    private static string IdOf(string name) => PipelineStages.All.Single(stage => stage.Name == name).Type.Name;

    private static string LabelOf(string key) => key switch
    {
        "" => "",
        AnyStep => "|each step|",
        _ => $"|{key}|",
    };
}

/// <summary>Where a run leaves its straight way.</summary>
/// <param name="From">After this stage,</param>
/// <param name="When">when this holds,</param>
/// <param name="To">this stage runs.</param>
public sealed record Branch(Stage From, string When, Stage To);
