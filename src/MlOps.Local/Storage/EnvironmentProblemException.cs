namespace MlOps.Local.Storage;

/// <summary>
/// The machine is not ready for what was asked: a tool is missing, a port is taken, a folder cannot be written. The message is one
/// sentence that says what to do; the command line prints it without a stack trace and ends with exit code 2.
/// </summary>
public class EnvironmentProblemException : Exception
{
    public EnvironmentProblemException() { }

    public EnvironmentProblemException(string message) : base(message) { }

    public EnvironmentProblemException(string message, Exception innerException) : base(message, innerException) { }
}
