using System.Reflection;

namespace MlOps.Pipeline.Training;

/// <summary>
/// FastTree and FastForest have the runtime collect all garbage of the process, blocking every thread, four times a fit, and no option reaches the field that
/// says so (ML.NET 5, <c>FastTreeTrainerBase.AllowGC</c>). Of a table of some thousand rows that took longer than learning, and a host that serves meanwhile
/// stood still for it. Where a later release has no such field, its trainers stay as they are.
/// </summary>
internal static class ForcedCollections
{
    private const string Field = "AllowGC";
    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Whether a trainer of ML.NET's trees would still force them.</summary>
    public static bool AreIn(object trainer) => Of(trainer)?.GetValue(trainer) is true;

    /// <param name="trainer">Fits as before, to the same model.</param>
    public static TTrainer Without<TTrainer>(TTrainer trainer)
        where TTrainer : class
    {
        Of(trainer)?.SetValue(trainer, false);
        return trainer;
    }

    private static FieldInfo? Of(object trainer)
    {
        for (var type = trainer.GetType(); type is not null; type = type.BaseType)
        {
            if (type.GetField(Field, Own) is { } found && found.FieldType == typeof(bool))
            {
                return found;
            }
        }
        return null;
    }
}
