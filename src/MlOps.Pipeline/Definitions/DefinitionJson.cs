namespace MlOps.Pipeline.Definitions;

/// <summary>Pipeline definitions as JSON.</summary>
public static class DefinitionJson
{
    /// <summary>Reads and validates a definition; all problems at once.</summary>
    /// <exception cref="Orchestration.InputException">The text is no valid definition.</exception>
    public static PipelineDefinition Read(string json) => throw new NotImplementedException();

    /// <summary>The canonical JSON of a definition, which <see cref="Read"/> reads back.</summary>
    public static string Write(PipelineDefinition definition) => throw new NotImplementedException();
}
