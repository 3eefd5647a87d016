using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions.Shapes;

namespace MlOps.Pipeline.Definitions;

/// <summary>Pipeline definitions as JSON.</summary>
public static class DefinitionJson
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    /// <summary>Reads and validates a definition; all problems at once. Whether a host has what it names is not looked at.</summary>
    /// <exception cref="InputException">The text is no valid definition.</exception>
    public static PipelineDefinition Read(string json) => Read(json, known: null);

    /// <summary>Reads and validates a definition for a host; all problems at once.</summary>
    /// <param name="json">The definition.</param>
    /// <param name="known">What the host has.</param>
    /// <exception cref="InputException">The text is no valid definition, or names what the host does not have.</exception>
    public static PipelineDefinition Read(string json, KnownExtensions? known)
    {
        var problems = new List<string>();
        var definition = Parse(json, problems);
        if (definition is not null && known is not null)
        {
            problems.AddRange(known.ProblemsOf(definition));
        }
        if (problems.Count == 0 && definition is not null)
        {
            problems.AddRange(DefinitionRules.ProblemsOf(definition));
        }
        return problems.Count == 0 && definition is not null ? definition : throw new InputException(problems);
    }

    /// <summary>
    /// The canonical JSON of a definition, which <see cref="Read(string)"/> reads back: in full, in the same order, equal for equal definitions.
    /// </summary>
    public static string Write(PipelineDefinition definition) => Write(definition, Detail.Full);

    /// <summary>
    /// The text whose hash names a definition. What later releases added stands in it only where it is not the default, so that a definition
    /// keeps its name from release to release.
    /// </summary>
    internal static string WriteIdentity(PipelineDefinition definition) => Write(definition, Detail.Identity);

    private static string Write(PipelineDefinition definition, Detail detail) =>
        DefinitionKeys.Definition.Write(definition, detail).ToJsonString(Json.Indented);

    private static PipelineDefinition? Parse(string json, List<string> problems)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Lenient);
            return DefinitionKeys.Definition.Read(new JsonReader(document.RootElement, "", problems));
        }
        catch (JsonException malformed)
        {
            problems.Add($"The definition is not valid JSON: {Json.Describe(malformed)}");
            return null;
        }
    }
}
