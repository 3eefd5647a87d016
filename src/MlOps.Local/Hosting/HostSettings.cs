namespace MlOps.Local.Hosting;

/// <summary>What every command may be told.</summary>
public sealed record HostSettings
{
    public const int DefaultPort = 7071;
    public const string DefaultDataFolder = ".mlops";

    /// <summary>Port on 127.0.0.1; 0: any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Holds embedded storage and what stages are working on.</summary>
    public string DataFolder { get; init; } = DefaultDataFolder;

    /// <summary>Connection string of an Azure Storage account; null: embedded storage in the data folder.</summary>
    public string? Storage { get; init; }

    /// <summary>Log what happens, not only what goes wrong.</summary>
    public bool Verbose { get; init; }
}
