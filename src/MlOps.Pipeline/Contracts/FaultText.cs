using System.Net.Sockets;
using System.Text.RegularExpressions;
using Azure;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Contracts;

/// <summary>What a person is told of a fault: never a library's own text, which speaks of its insides. That is in the host's log.</summary>
public static partial class FaultText
{
    private const string Unexpected = "An unexpected fault, not of the data: the host's log says more. Retry the run; if it fails again, report it.";

    /// <summary>A sentence, or several, with what to do.</summary>
    public static string Of(Exception fault) => fault switch
    {
        InputException wrong => wrong.Message,
        _ when IsFullDisk(fault) => "The disk of this machine is full. Free some space, or name another folder with --data, and retry the run.",
        _ when IsOutOfMemory(fault) => "The memory that this host may use is not enough for this table. Give it more, or train on fewer rows or columns.",
        RequestFailedException { Status: 403 } => "The storage account refused access (403). Check the rights of the identity, or the key.",
        RequestFailedException { Status: > 0 } refused => $"The storage account answered {refused.Status}. Retry the run.",
        RequestFailedException or HttpRequestException or SocketException or TimeoutException or OperationCanceledException =>
            "The storage account could not be reached. Check the network, and retry the run.",
        _ when FeatureFunction.Match(fault.Message) is { Success: true } function =>
            $"The feature function '{function.Groups[1].Value}', which this host adds, failed: the host's log says more.",
        AggregateException { InnerExceptions: [var first, ..] } => Of(first),
        _ => Unexpected,
    };

    /// <summary>True where this machine, its disk or its memory, is at fault, and nothing that it was given.</summary>
    public static bool IsOfTheMachine(Exception fault) => IsFullDisk(fault) || IsOutOfMemory(fault) || fault switch
    {
        InputException => false,
        DuckDBException { ErrorType: DuckDBErrorType.Io } or DuckDbReadException { Kind: DuckDBErrorType.Io } => true,
        // Of a statement that it could not prepare, DuckDB gives the kind only in words.
        DuckDBException { ErrorType: DuckDBErrorType.Invalid } or DuckDbReadException { Kind: DuckDBErrorType.Invalid } =>
            fault.Message.StartsWith("IO Error:", StringComparison.Ordinal),
        _ => fault.InnerException is { } inner && IsOfTheMachine(inner),
    };

    /// <summary>True where no more can be written: no fault of what was to be written.</summary>
    public static bool IsFullDisk(Exception fault) => fault switch
    {
        IOException io => (io.HResult & 0xFFFF) is NoSpaceOnUnix or NoSpaceOnWindows or HandleDiskFull,
        DuckDBException or DuckDbReadException => fault.Message.Contains("No space left", StringComparison.OrdinalIgnoreCase)
            || fault.Message.Contains("not enough space", StringComparison.OrdinalIgnoreCase),
        InputException => false,
        _ => fault.InnerException is { } inner && IsFullDisk(inner),
    };

    /// <summary>True where memory, or its limit, was not enough.</summary>
    public static bool IsOutOfMemory(Exception fault) => fault switch
    {
        OutOfMemoryException => true,
        DuckDBException { ErrorType: DuckDBErrorType.OutOfMemory } or DuckDbReadException { Kind: DuckDBErrorType.OutOfMemory } => true,
        InputException => false,
        _ => fault.InnerException is { } inner && IsOutOfMemory(inner),
    };

    /// <summary>What DuckDB says when a host's own function throws within it: it keeps only the message.</summary>
    [GeneratedRegex("The feature function '([^']+)' failed")]
    private static partial Regex FeatureFunction { get; }

    private const int NoSpaceOnUnix = 28;
    private const int NoSpaceOnWindows = 112;
    private const int HandleDiskFull = 39;
}
