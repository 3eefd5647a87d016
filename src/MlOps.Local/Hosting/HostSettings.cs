using System.Net;

namespace MlOps.Local.Hosting;

/// <summary>What every command may be told.</summary>
public sealed record HostSettings
{
    public const int DefaultPort = 7071;
    public const string DefaultDataFolder = ".mlops";

    /// <summary>Address to serve on. Other than this machine's own callers need a key or a token, unless <see cref="Insecure"/>.</summary>
    public IPAddress Listen { get; init; } = IPAddress.Loopback;

    /// <summary>Lets in whoever reaches <see cref="Listen"/>.</summary>
    public bool Insecure { get; init; }

    /// <summary>Port to serve on; 0: any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Holds embedded storage and what stages are working on.</summary>
    public string DataFolder { get; init; } = DefaultDataFolder;

    /// <summary>
    /// Connection string of an Azure Storage account, or its blob address for sign-in by identity; null: embedded storage in the data folder.
    /// </summary>
    public string? Storage { get; init; }

    /// <summary>Embedded storage answers only what the disk has; else the disk has it some 50 ms later.</summary>
    public bool Durable { get; init; }

    /// <summary>Log what happens, not only what goes wrong.</summary>
    public bool Verbose { get; init; }

    /// <summary>Adds to the host's services; null: nothing.</summary>
    public Action<IServiceCollection>? Services { get; init; }

    /// <summary>Answer predictions and questions only: the work on runs is another host's.</summary>
    public bool ServeOnly { get; init; }

    /// <summary>The host is a part of this process that goes with its storage: what it measures is sent by the host that it is a part of.</summary>
    internal bool IsScratch { get; init; }
}
