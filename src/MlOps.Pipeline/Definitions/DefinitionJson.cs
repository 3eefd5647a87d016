using System.Text.Json;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>Pipeline definitions as JSON.</summary>
public static class DefinitionJson
{
    /// <summary>Reads and validates a definition; all problems at once.</summary>
    /// <exception cref="InputException">The text is no valid definition.</exception>
    public static PipelineDefinition Read(string json)
    {
        var problems = new List<string>();
        var definition = Parse(json, problems);
        if (problems.Count == 0 && definition is not null)
        {
            problems.AddRange(DefinitionRules.ProblemsOf(definition));
        }
        return problems.Count == 0 && definition is not null ? definition : throw new InputException(problems);
    }

    /// <summary>The canonical JSON of a definition, which <see cref="Read"/> reads back.</summary>
    public static string Write(PipelineDefinition definition) => DefinitionWriter.Write(definition);

    private static PipelineDefinition? Parse(string json, List<string> problems)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            return DefinitionReader.Read(document.RootElement, problems);
        }
        catch (JsonException malformed)
        {
            problems.Add($"The definition is no valid JSON (line {malformed.LineNumber + 1}, position {malformed.BytePositionInLine + 1}): {malformed.Message}");
            return null;
        }
    }
}
