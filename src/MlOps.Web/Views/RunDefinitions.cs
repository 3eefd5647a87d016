using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Views;

/// <summary>The definition that a run uses. A run whose definition is gone is still worth showing.</summary>
internal static class RunDefinitions
{
    public static async Task<PipelineDefinition?> FindAsync(Run run, DefinitionStore definitions, CancellationToken cancel)
    {
        try
        {
            return await definitions.GetSnapshotAsync(run.DefinitionId, cancel);
        }
        catch (InputException)
        {
            return null;
        }
    }
}
