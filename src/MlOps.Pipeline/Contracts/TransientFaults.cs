using System.Net.Sockets;
using Azure;

namespace MlOps.Pipeline.Contracts;

/// <summary>Tells faults that pass by themselves (network, throttling, storage hiccups) from those that do not.</summary>
public static class TransientFaults
{
    /// <summary>True when trying again later may succeed without anyone changing anything.</summary>
    public static bool IsTransient(Exception fault) => fault switch
    {
        InputException => false,
        RequestFailedException request => request.Status is 0 or 408 or 412 or 429 or >= 500,
        HttpRequestException or SocketException or TimeoutException => true,
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException => false,
        IOException => true,
        AggregateException many => many.InnerExceptions.All(IsTransient),
        _ => fault.InnerException is { } inner && IsTransient(inner),
    };
}
