using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Contracts;

/// <summary>What a person reads of a fault is never a library's own text.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed partial class FaultTextTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Faults_as_libraries_throw_them_are_told_in_our_words()
    {
        await using var host = new PipelineHost(azurite);
        using var session = host.Get<DuckDb>().Open(default);
        Func<object?>[] wrong =
        [
            () => session.Rows("SELECT nothing FROM nowhere"),
            () => session.Rows("SELECT 'x'::INTEGER"),
            () => session.Rows("SELECT * FROM read_parquet('/no/such/file')"),
            () => JsonDocument.Parse("{"),
            () => new Dictionary<string, int>()["missing"],
            () => Enumerable.Empty<int>().First(),
            () => File.ReadAllBytes("/no/such/file"),
            () => Enum.Parse<DayOfWeek>("Someday"),
            () => new Microsoft.ML.MLContext().Model.Load(new MemoryStream([1, 2, 3]), out _),
            () => throw new ArgumentNullException("label"),
            () => throw new RequestFailedException(409, "<?xml version=\"1.0\"?><Error><Code>BlobAlreadyExists</Code></Error>"),
            () => throw new AggregateException(new SocketException(111), new InvalidCastException()),
            () => throw new TypeInitializationException("MlOps.Some.Type", new DllNotFoundException("lib_lightgbm")),
        ];

        foreach (var act in wrong)
        {
            var fault = Record.Exception(() => act())!;
            fault.Should().NotBeNull();
            ShouldReadWell(FaultText.Of(fault), fault.GetType().Name);
        }
    }

    internal static void ShouldReadWell(string text, string of)
    {
        LibraryText().Match(text).Value.Should().BeEmpty($"of {of}: {text}");
        text.Should().EndWith(".").And.NotContain("\n");
    }

    /// <summary>Type names, parameters, SQL, markup, stack frames.</summary>
    [GeneratedRegex(@"Exception|\(Parameter|\bSELECT\b|\bFROM\b|Catalog Error|Binder Error|<\?xml|   at |\b(System|Microsoft|MlOps|Azure|DuckDB)\.\w|lib_")]
    private static partial Regex LibraryText();
}
