using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions;

/// <summary>
/// What a definition may be, as JSON Schema (draft 2020-12), for editors and checks outside. It says what can be said key by key; how keys must
/// fit together only <see cref="DefinitionJson.Read(string)"/> knows, which also takes null for a key that is left out.
/// </summary>
public static class DefinitionSchema
{
    public static string Write()
    {
        var schema = DefinitionKeys.Definition.Describe();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "$id", "urn:mlops-functions:pipeline-definition");
        schema.Insert(2, "title", "Pipeline definition");
        schema.Insert(3, "description", "What a user declares for one model of MlOps.Functions. Every key but model and target has a default.");
        return schema.ToJsonString(Json.Indented);
    }
}
