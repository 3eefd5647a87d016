using System.Diagnostics;
using System.Text.Json;

namespace MlOps.Local.Storage;

/// <summary>What a host leaves in its data folder, so that other commands can reach it.</summary>
/// <param name="ProcessId">The host's process.</param>
/// <param name="Storage">Connection string of its embedded storage; null when it uses a storage account.</param>
/// <param name="Url">Where it serves; null when it serves nothing, such as during <c>train</c>.</param>
/// <param name="Key">Opens it; null when nothing is needed.</param>
public sealed record HostConnection(int ProcessId, string? Storage, string? Url, string? Key = null);

/// <summary>The folder that holds embedded storage; owned by one process at a time.</summary>
public sealed class DataFolder : IDisposable
{
    /// <summary>Where Azurite keeps its files, below a data folder.</summary>
    internal const string AzuriteName = "azurite";

    private readonly FileStream owned;

    private DataFolder(string path, FileStream owned) => (Folder, this.owned) = (path, owned);

    public string Folder { get; }

    /// <summary>Where Azurite keeps its files.</summary>
    public string AzuriteFolder => Path.Combine(Folder, AzuriteName);

    /// <summary>Where stages put what they are just working on.</summary>
    public string WorkFolder => Path.Combine(Folder, "work");

    /// <summary>Removes what a killed process left half done; only the owner works there.</summary>
    public void ClearWork()
    {
        if (Directory.Exists(WorkFolder))
        {
            Directory.Delete(WorkFolder, recursive: true);
        }
        Directory.CreateDirectory(WorkFolder);
    }

    /// <summary>Makes the folder when needed and takes it for this process.</summary>
    /// <exception cref="FolderInUseException">Another process has it.</exception>
    /// <exception cref="EnvironmentProblemException">It cannot be written.</exception>
    public static DataFolder Open(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            return ExclusiveFile.TryOpen(Path.Combine(full, "host.lock")) is { } file
                ? new DataFolder(full, file)
                : throw new FolderInUseException($"The data folder {full} is in use by another process{Owner(full)}.");
        }
        catch (Exception unwritable) when (unwritable is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new EnvironmentProblemException($"The data folder {full} cannot be written: {unwritable.Message} Name another one with --data.", unwritable);
        }
    }

    /// <summary>How to reach the process that has the folder now; null when none has, or it is only just starting.</summary>
    public static HostConnection? FindHost(string path)
    {
        try
        {
            var connection = JsonSerializer.Deserialize<HostConnection>(File.ReadAllText(ConnectionFile(Path.GetFullPath(path))));
            return connection is not null && IsAlive(connection.ProcessId) ? connection : null;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Tells other commands how to reach this host.</summary>
    public void Publish(HostConnection connection)
    {
        var file = ConnectionFile(Folder);
        File.Delete(file + ".new");
        using (var stream = new FileStream(file + ".new", OnlyOurs()))
        {
            JsonSerializer.Serialize(stream, connection);
        }
        File.Move(file + ".new", file, overwrite: true);
    }

    public void Dispose()
    {
        File.Delete(ConnectionFile(Folder));
        owned.Dispose();
    }

    /// <summary>What is in it lets one in: nobody else on the machine may read it.</summary>
    private static FileStreamOptions OnlyOurs()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return options;
    }

    private static string ConnectionFile(string folder) => Path.Combine(folder, "host.json");

    private static string Owner(string folder) => FindHost(folder) is { } host ? $" (pid {host.ProcessId})" : "";

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }
}

/// <summary>Another process has the data folder.</summary>
public sealed class FolderInUseException : EnvironmentProblemException
{
    public FolderInUseException() { }

    public FolderInUseException(string message) : base(message) { }

    public FolderInUseException(string message, Exception innerException) : base(message, innerException) { }
}
