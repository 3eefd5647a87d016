using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Training;

/// <summary>A learning algorithm of ML.NET that is not built in. A definition uses it as <c>{ "trainer": "its-name", "options": { … } }</c>.</summary>
public interface ITrainer
{
    /// <summary>
    /// Its name in definitions, candidate keys and metrics: 1 to 40 lower-case letters, digits, <c>-</c> and <c>_</c>, beginning with a letter.
    /// </summary>
    string Name { get; }

    /// <summary>Names the implementation. Change it when the same rows and options no longer give the same model: candidates are then trained anew.</summary>
    string Version => "1";

    /// <summary>What it can learn.</summary>
    IReadOnlyCollection<TaskKind> Tasks { get; }

    /// <summary>Names of the options that it takes; a definition that gives another one is refused.</summary>
    IReadOnlyCollection<string> Options => [];

    /// <summary>Whether it learns from missing values (NaN). Else they are filled with the training mean before it sees them, as part of the model.</summary>
    bool TakesMissing => false;

    /// <summary>
    /// Whether it lets rows count as <see cref="TrainerContext.Weight"/> says. Else a definition that declares weights leaves its candidates out.
    /// </summary>
    bool TakesWeights => false;

    /// <summary>
    /// Makes an estimator that is fitted on the training rows, and on nothing else. The same context must give one that learns the same model from
    /// the same rows, whatever the number of threads. Its model maps row by row, is saved and loaded by ML.NET, and gives a number (float) a row:
    /// column <c>Score</c> for regression, in the target's unit; column <c>Probability</c> for binary, of the positive class. For multiclass it gives a vector
    /// of floats, column <c>Score</c>: the probability of each class, in the order of the label's keys. Called for several candidates at once.
    /// </summary>
    /// <param name="context">What is trained, and where the columns are.</param>
    /// <exception cref="InputException">An option's value is wrong; the run ends with the sentence.</exception>
    IEstimator<ITransformer> Create(TrainerContext context);
}

/// <summary>What a trainer is made for.</summary>
/// <param name="Ml">ML.NET, seeded with <paramref name="Seed"/>.</param>
/// <param name="Task">What is learned.</param>
/// <param name="Seed">For whatever is drawn at random.</param>
/// <param name="Threads">Threads that it may use, 1 or more; by what else is trained and how large the table is, and so not the same each time.</param>
/// <param name="Features">Column of the features: a vector of floats with a name for each slot.</param>
/// <param name="Label">Column of the target: a float for regression, a Boolean for binary (true is the positive class), a key for multiclass.</param>
/// <param name="Candidate">The candidate as declared. Where nothing is, its numbers of trees, rates and so on are the built-in trainers' defaults.</param>
public sealed record TrainerContext(MLContext Ml, TaskKind Task, int Seed, int Threads, string Features, string Label, CandidateSpec Candidate)
{
    /// <summary>Column of how much each row counts: a float, 0 or more; null: each the same.</summary>
    public string? Weight { get; init; }

    /// <summary>The candidate's options: all of them are among <see cref="ITrainer.Options"/>.</summary>
    public ExtensionOptions Options => Candidate.Options ?? ExtensionOptions.None;
}
