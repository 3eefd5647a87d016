using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Training;

/// <summary>The trainers that the host has added to those that are built in.</summary>
public sealed class TrainerCatalog
{
    private readonly IReadOnlyDictionary<string, ITrainer> added;

    /// <exception cref="InputException">A name is none, or is taken.</exception>
    public TrainerCatalog(IEnumerable<ITrainer> added) =>
        this.added = ExtensionNames.Index(added, trainer => trainer.Name, "trainer", TrainerNames.BuiltIn);

    public IEnumerable<ITrainer> Added => added.Values;

    /// <summary>The added trainer of this name; null when it is built in.</summary>
    /// <exception cref="InputException">This process has no trainer of this name, or it cannot learn the task.</exception>
    public ITrainer? Find(string name, TaskKind task)
    {
        if (TrainerNames.BuiltIn.Contains(name))
        {
            return null;
        }
        if (!added.TryGetValue(name, out var trainer))
        {
            throw new InputException($"This host does not have the trainer '{name}': add it with AddMlOps.");
        }
        return trainer.Tasks.Contains(task)
            ? trainer
            : throw new InputException($"The trainer '{name}' cannot do the task {DefinitionNames.Tasks.NameOf(task)}, which the target asks for.");
    }
}
