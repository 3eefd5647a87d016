using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace MlOps.Testing;

/// <summary>The local host's program, or one that adds to it, as a real process.</summary>
public sealed class LocalProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();
    private readonly ConcurrentQueue<string> errors = new();
    private bool disposed;

    private LocalProcess(Process process) => this.process = process;

    public int Id => process.Id;

    /// <summary>What it printed on standard output so far.</summary>
    public string Output => string.Join('\n', output);

    public string Errors => string.Join('\n', errors);

    public static LocalProcess Start(params IEnumerable<string> arguments) => Start(new Dictionary<string, string?>(), arguments);

    /// <param name="environment">Variables to set, or with null to remove.</param>
    /// <param name="arguments">The command line.</param>
    public static LocalProcess Start(IReadOnlyDictionary<string, string?> environment, params IEnumerable<string> arguments) =>
        StartProgram("MlOps.Local.dll", environment, arguments);

    /// <summary>The local host's program as a part of one that knows cultures: it is set up to know none, which no variable can change.</summary>
    /// <param name="folder">The folder that it works in, to which the runtime's settings are written.</param>
    /// <param name="environment">Variables to set, or with null to remove.</param>
    /// <param name="arguments">The command line.</param>
    public static LocalProcess StartWithCultures(string folder, IReadOnlyDictionary<string, string?> environment, params IEnumerable<string> arguments)
    {
        const string Program = "MlOps.Local";
        var usual = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, $"{Program}.runtimeconfig.json")))!;
        var properties = usual["runtimeOptions"]!["configProperties"]!.AsObject();
        properties["System.Globalization.Invariant"] = false;
        properties["System.Globalization.PredefinedCulturesOnly"] = false;
        var settings = Path.Combine(folder, "cultures.json");
        File.WriteAllText(settings, usual.ToJsonString());
        return StartDotnet(
            ["exec", "--runtimeconfig", settings, Path.Combine(AppContext.BaseDirectory, $"{Program}.dll"), .. arguments], environment, folder);
    }

    /// <param name="program">A program beside the tests.</param>
    /// <param name="environment">Variables to set, or with null to remove.</param>
    /// <param name="arguments">The command line.</param>
    public static LocalProcess StartProgram(string program, IReadOnlyDictionary<string, string?> environment, params IEnumerable<string> arguments) =>
        StartDotnet([Path.Combine(AppContext.BaseDirectory, program), .. arguments], environment);

    private static LocalProcess StartDotnet(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, string? folder = null)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        var started = new LocalProcess(new Process { StartInfo = start });
        started.process.OutputDataReceived += (_, line) => Keep(started.output, line.Data);
        started.process.ErrorDataReceived += (_, line) => Keep(started.errors, line.Data);
        started.process.Start();
        started.process.BeginOutputReadLine();
        started.process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Runs a command to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(params IEnumerable<string> arguments) => RunAsync(Patience, arguments);

    /// <inheritdoc cref="RunAsync(IEnumerable{string})"/>
    /// <param name="patience">How long it may take.</param>
    /// <param name="arguments">The command line.</param>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(TimeSpan patience, params IEnumerable<string> arguments)
    {
        await using var process = Start(arguments);
        return (await process.ExitCodeAsync(patience), process.Output, process.Errors);
    }

    /// <summary>Waits for its end, and for all that it printed.</summary>
    public Task<int> ExitCodeAsync() => ExitCodeAsync(Patience);

    private async Task<int> ExitCodeAsync(TimeSpan patience)
    {
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The process did not end.\n{Output}\n{Errors}");
        }
        return process.ExitCode;
    }

    /// <summary>Waits until a text stands on standard output.</summary>
    public Task PrintedAsync(string text) => Eventually.IsTrueAsync(
        () =>
            Output.Contains(text, StringComparison.Ordinal)
                || (process.HasExited ? throw Ended() : false),
        () => $"{Output}\n{Errors}", Patience);

    /// <summary>With all that it said: its last lines arrive after its end.</summary>
    private InvalidOperationException Ended()
    {
        _ = process.WaitForExitAsync().Wait(TimeSpan.FromSeconds(10));
        return new InvalidOperationException($"It ended with code {process.ExitCode}.\n{Output}\n{Errors}");
    }

    /// <summary>Ends it as <c>kill -9</c> does: it can do nothing more.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Sends a signal, such as <c>INT</c> or <c>TERM</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        if (process.HasExited)
        {
            return;
        }
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Lets it end in order, its storage with it; kills it when it does not. Once is enough: a second time would hide why a test failed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, true))
        {
            return;
        }
        if (!OperatingSystem.IsWindows())
        {
            await SignalAsync("TERM");
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(40));
            await process.WaitForExitAsync(deadline.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        process.Dispose();
    }

    private static void Keep(ConcurrentQueue<string> lines, string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }
}
