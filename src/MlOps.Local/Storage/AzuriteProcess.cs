using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MlOps.Local.Storage;

/// <summary>
/// A running Azurite: Azure Storage's emulator as a child process on 127.0.0.1, on ports that the system chooses. It ends with this
/// process, also when this process is killed. What it has answered is in a journal before the answer leaves (<c>azurite/journal.cjs</c>), and so
/// outlives any kill, its own too. The disk has it some 50 ms later, or before the answer with <see cref="JournalOptions.Durable"/>.
/// </summary>
public sealed partial class AzuriteProcess : IAsyncDisposable
{
    private const string Account = "devstoreaccount1";
    /// <summary>The emulator's published key: no secret.</summary>
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(25);

    private readonly Process process;
    private readonly Action<string> progress;
    private readonly ConcurrentQueue<string> output = new();
    private readonly ConcurrentDictionary<string, Uri> addresses = new();
    private readonly TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Task? ended;

    private volatile string? problem;

    private AzuriteProcess(Process process, Action<string> progress) => (this.process, this.progress) = (process, progress);

    public string ConnectionString { get; private set; } = "";

    public int ProcessId => process.Id;

    /// <summary>Ends when Azurite has.</summary>
    public Task Ended => ended ??= process.WaitForExitAsync();

    /// <summary>Why it ended, where the journal said so.</summary>
    public string? Problem => problem;

    /// <summary>Starts Azurite on a folder that this process owns, and waits until it answers.</summary>
    public static Task<AzuriteProcess> StartAsync(string folder, Action<string> progress, CancellationToken cancel) =>
        StartAsync(folder, new JournalOptions(), progress, cancel);

    /// <summary>Starts Azurite on a folder that this process owns, and waits until it answers.</summary>
    /// <param name="folder">Where Azurite keeps its files.</param>
    /// <param name="journal">How it keeps what it has acknowledged.</param>
    /// <param name="progress">Told one line when there is something to wait for, or something is wrong with what is stored.</param>
    /// <param name="cancel">Stops the start.</param>
    /// <exception cref="EnvironmentProblemException">Node.js is missing, or Azurite does not start.</exception>
    public static async Task<AzuriteProcess> StartAsync(string folder, JournalOptions journal, Action<string> progress, CancellationToken cancel)
    {
        var tools = await NodeTools.FindAsync(cancel);
        var installed = await AzuriteInstaller.EnsureInstalledAsync(tools, progress, cancel);
        Directory.CreateDirectory(folder);
        await AzuriteOrphan.WaitUntilGoneAsync(folder, progress, cancel);
        var azurite = new AzuriteProcess(Launch(tools, installed, folder, journal), progress);
        try
        {
            AzuriteOrphan.Remember(folder, azurite.process);
            await azurite.WaitUntilAnsweringAsync(cancel);
            return azurite;
        }
        catch
        {
            await azurite.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets Azurite save and end; kills it when it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(LongestEnd);
            try
            {
                await process.WaitForExitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }
        process.Dispose();
    }

    private static Process Launch(NodeTools tools, string installed, string folder, JournalOptions journal)
    {
        var options = JsonSerializer.Serialize(new { folder, durable = journal.Durable, segmentBytes = journal.SegmentBytes });
        string[] arguments =
        [
            Path.Combine(AzuriteInstaller.Shipped, "host.cjs"), installed, options,
            "--blobHost", "127.0.0.1", "--blobPort", "0", "--queueHost", "127.0.0.1", "--queuePort", "0", "--tableHost", "127.0.0.1", "--tablePort", "0",
            "--location", folder, "--disableTelemetry", "--skipApiVersionCheck", "--silent",
        ];
        var start = new ProcessStartInfo(tools.Node, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Every upload fills fresh memory: where Linux gives huge pages on request, asking for them saves a third of the time to store a part.
        start.Environment.TryAdd("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
        foreach (var variable in start.Environment.Keys.Where(name => name.StartsWith("AZURITE_", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(variable);
        }
        return Process.Start(start)!;
    }

    private async Task WaitUntilAnsweringAsync(CancellationToken cancel)
    {
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(LongestStart);
        try
        {
            var exit = process.WaitForExitAsync(deadline.Token);
            if (await Task.WhenAny(listening.Task, exit) == exit)
            {
                await exit;
                throw new EnvironmentProblemException(problem ?? $"Azurite ended while it was starting (exit code {process.ExitCode}). {LastOutput()}");
            }
            ConnectionString =
                $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={Endpoint("Blob")};"
                + $"QueueEndpoint={Endpoint("Queue")};TableEndpoint={Endpoint("Table")};";
            await WaitForAnswerAsync(Endpoint("Blob"), deadline.Token);
            await WaitForAnswerAsync(Endpoint("Table"), deadline.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new EnvironmentProblemException($"Azurite did not answer within {LongestStart.TotalSeconds:0} seconds. {LastOutput()}");
        }
    }

    private string Endpoint(string service) => $"{addresses[service].GetLeftPart(UriPartial.Authority)}/{Account}";

    /// <summary>Any answer will do, a refusal of the unsigned request included.</summary>
    private static async Task WaitForAnswerAsync(string endpoint, CancellationToken cancel)
    {
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(endpoint + "?comp=list"), cancel);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancel);
            }
        }
    }

    private void Read(string? line)
    {
        const int MostLines = 20;
        if (line is null)
        {
            return;
        }
        output.Enqueue(line);
        while (output.Count > MostLines)
        {
            output.TryDequeue(out _);
        }
        if (Sentence().Match(line) is { Success: true } said)
        {
            if (said.Groups["stops"].Success)
            {
                problem = said.Groups["sentence"].Value;
            }
            else
            {
                progress(said.Groups["sentence"].Value);
            }
        }
        if (Listening().Match(line) is { Success: true } match)
        {
            addresses[match.Groups["service"].Value] = new Uri(match.Groups["address"].Value);
            if (addresses.Count == 3)
            {
                listening.TrySetResult();
            }
        }
    }

    private string LastOutput() => output.IsEmpty ? "It printed nothing." : $"It printed last: {string.Join(" | ", output)}";

    [GeneratedRegex("^Azurite (?<service>Blob|Queue|Table) service is successfully listening at (?<address>http://.+)$")]
    private static partial Regex Listening();

    /// <summary>What the journal wants a person to read.</summary>
    [GeneratedRegex("^journal (?:tells|(?<stops>stops)): (?<sentence>.+)$")]
    private static partial Regex Sentence();
}
