using System.Net.Sockets;
using Azure;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// Tells faults that pass by themselves (network, throttling, storage hiccups, a disk or a memory that is full for a while) from those that do not.
/// Callers ask when nobody has cancelled: what looks cancelled all the same is a request that was given up for want of an answer.
/// </summary>
public static class TransientFaults
{
    /// <summary>True when trying again later may succeed without anyone changing anything.</summary>
    public static bool IsTransient(Exception fault) => fault switch
    {
        InputException => false,
        _ when FaultText.IsOfTheMachine(fault) => true,
        RequestFailedException request => request.Status is 0 or 408 or 412 or 429 or >= 500,
        HttpRequestException { StatusCode: { } status } => (int)status is 408 or 429 or >= 500,
        HttpRequestException or SocketException or TimeoutException or OperationCanceledException => true,
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException => false,
        IOException => true,
        AggregateException many => many.InnerExceptions.All(IsTransient),
        _ => fault.InnerException is { } inner && IsTransient(inner),
    };
}
