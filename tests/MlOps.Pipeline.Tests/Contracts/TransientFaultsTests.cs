using System.Net;
using System.Net.Sockets;
using Azure;
using Azure.Core.Pipeline;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Contracts;

/// <summary>Faults as the libraries really throw them.</summary>
public sealed class TransientFaultsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-faults-").FullName;

    [Fact]
    public async Task A_refused_connection_is_tried_again()
    {
        using var gone = new TcpListener(IPAddress.Loopback, 0);
        gone.Start();
        var port = ((IPEndPoint)gone.LocalEndpoint).Port;
        gone.Stop();

        TransientFaults.IsTransient(await FaultOfAsync(ClientOf(port))).Should().BeTrue();
    }

    [Fact]
    public async Task A_storage_that_takes_the_connection_and_never_answers_is_asked_again()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var fault = await FaultOfAsync(ClientOf(((IPEndPoint)silent.LocalEndpoint).Port));

        TransientFaults.IsTransient(fault).Should().BeTrue(fault.ToString());
        FaultText.Of(fault).Should().Contain("could not be reached");
    }

    [Fact]
    public async Task A_connection_that_never_forms_is_tried_again()
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(100),
            ConnectCallback = async (_, cancel) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
                return Stream.Null;
            },
        };
        using var http = new HttpClient(handler);

        var direct = await FaultOfAsync(() => http.GetAsync(new Uri("http://127.0.0.1:1/")));
        var throughAzure = await FaultOfAsync(ClientOf(1, new HttpClientTransport(http)));

        TransientFaults.IsTransient(direct).Should().BeTrue(direct.ToString());
        TransientFaults.IsTransient(throughAzure).Should().BeTrue(throughAzure.ToString());
    }

    [Fact]
    public void Network_faults_without_an_answer_are_tried_again_and_refusals_are_not()
    {
        TransientFaults.IsTransient(new HttpRequestException("no such host")).Should().BeTrue();
        TransientFaults.IsTransient(new SocketException((int)SocketError.ConnectionRefused)).Should().BeTrue();
        TransientFaults.IsTransient(new HttpRequestException("busy", null, HttpStatusCode.ServiceUnavailable)).Should().BeTrue();
        TransientFaults.IsTransient(new HttpRequestException("no", null, HttpStatusCode.Forbidden)).Should().BeFalse();
        TransientFaults.IsTransient(new RequestFailedException(403, "no")).Should().BeFalse();
        TransientFaults.IsTransient(new InputException("the file is damaged", new IOException("cut off"))).Should().BeFalse();
        TransientFaults.IsTransient(new InvalidOperationException("a defect")).Should().BeFalse();
    }

    [UnixFact]
    public void A_full_disk_is_tried_again_and_told_as_one()
    {
        var fault = FaultOf(() => File.WriteAllBytes("/dev/full", new byte[100]));

        fault.Should().BeOfType<IOException>();
        TransientFaults.IsTransient(fault).Should().BeTrue();
        FaultText.Of(fault).Should().StartWith("The disk of this machine is full.");
    }

    [UnixFact]
    public void A_disk_that_DuckDB_fills_is_tried_again_and_not_taken_for_wrong_input()
    {
        using var duckDb = NewDuckDb();
        using var session = duckDb.Open(default);

        var fault = FaultOf(() => ParquetTable.Checked("a.parquet", () => session.Copy("SELECT * FROM range(1000000)", "/dev/full")));

        TransientFaults.IsTransient(fault).Should().BeTrue(fault.ToString());
        FaultText.Of(fault).Should().StartWith("The disk of this machine is full.");
    }

    [Fact]
    public void A_file_that_DuckDB_cannot_write_or_find_is_a_fault_of_the_machine()
    {
        using var duckDb = NewDuckDb();
        using var session = duckDb.Open(default);
        var nowhere = Path.Combine(folder, "no", "such", "folder", "a.parquet");

        var unwritten = FaultOf(() => ParquetTable.Checked("a.parquet", () => session.Copy("SELECT 1", nowhere)));
        var unfound = FaultOf(() => session.Count($"SELECT count(*) FROM read_parquet('{nowhere}')"));

        TransientFaults.IsTransient(unwritten).Should().BeTrue(unwritten.ToString());
        TransientFaults.IsTransient(unfound).Should().BeTrue(unfound.ToString());
    }

    [Fact]
    public void DuckDBs_limit_of_memory_is_a_fault_of_the_machine_however_the_rows_are_read()
    {
        const string Sorted = "SELECT i, i::VARCHAR || 'abcdefghijk' AS t FROM range(3000000) r(i) ORDER BY t";
        using var duckDb = NewDuckDb();
        using var session = duckDb.Open(default);
        session.Execute("SET memory_limit = '10MB'");
        session.Execute("SET temp_directory = ''");

        var executed = FaultOf(() => ParquetTable.Checked("a.parquet", () => session.Rows($"CREATE TABLE t AS {Sorted}")));
        var streamed = FaultOf(() => session.Read(Sorted, (_, _) => { }));

        foreach (var fault in new[] { executed, streamed })
        {
            TransientFaults.IsTransient(fault).Should().BeTrue(fault.ToString());
            FaultText.Of(fault).Should().StartWith("The memory that this host may use is not enough");
        }
    }

    [Fact]
    public void A_damaged_file_is_wrong_input_and_never_tried_again()
    {
        using var duckDb = NewDuckDb();
        using var session = duckDb.Open(default);
        var cut = Path.Combine(folder, "cut.parquet");
        File.WriteAllText(cut, "PAR1 and then nothing of the kind");

        var fault = FaultOf(() => ParquetTable.Checked("cut.parquet", () => session.Count($"SELECT count(*) FROM read_parquet('{cut}')")));

        fault.Should().BeOfType<InputException>();
        TransientFaults.IsTransient(fault).Should().BeFalse();
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private DuckDb NewDuckDb() => new(new PipelineOptions { WorkFolder = folder, Threads = 1 }, []);

    private static Func<Task> ClientOf(int port, HttpPipelineTransport? transport = null)
    {
        var options = new BlobClientOptions();
        options.Retry.MaxRetries = 1;
        options.Retry.Delay = TimeSpan.FromMilliseconds(1);
        options.Retry.NetworkTimeout = TimeSpan.FromMilliseconds(300);
        options.Transport = transport ?? options.Transport;
        var blob = new BlobContainerClient(new Uri($"http://127.0.0.1:{port}/account/container"), options).GetBlobClient("blob");
        return () => blob.DownloadContentAsync();
    }

    private static async Task<Exception> FaultOfAsync(Func<Task> act) => await Record.ExceptionAsync(act)
        ?? throw new InvalidOperationException("Nothing failed.");

    private static Exception FaultOf(Action act) => Record.Exception(act) ?? throw new InvalidOperationException("Nothing failed.");
}
