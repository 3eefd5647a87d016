namespace MlOps.Pipeline.Contracts;

/// <summary>
/// The input is wrong: a retry cannot help, a person can. The message names the file, row or column and says what to do.
/// </summary>
public sealed class InputException : Exception
{
    public InputException() : this([]) { }

    public InputException(string message) : this([message]) { }

    public InputException(string message, Exception innerException) : base(message, innerException) => Problems = [message];

    public InputException(IReadOnlyList<string> problems) : base(string.Join(Environment.NewLine, problems)) => Problems = problems;

    /// <summary>Every problem found, one sentence each; never only the first.</summary>
    public IReadOnlyList<string> Problems { get; }
}
