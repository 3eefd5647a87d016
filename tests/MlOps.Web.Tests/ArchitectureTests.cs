using System.Reflection;
using MlOps.Local.Storage;
using MlOps.Pipeline;
using MlOps.Serving;
using NetArchTest.Rules;

namespace MlOps.Web.Tests;

/// <summary>Arrows point one way: hosts → Web → Serving → Pipeline.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly Pipeline = typeof(PipelineServices).Assembly;
    private static readonly Assembly Serving = typeof(ServingServices).Assembly;
    private static readonly Assembly Web = typeof(WebServices).Assembly;
    private static readonly Assembly Local = typeof(AzuriteProcess).Assembly;

    [Fact]
    public void Pipeline_knows_no_host_and_no_http() =>
        Breaches(
            // Reports are rendered from components, which need no HTTP.
            Pipeline, "MlOps.Serving", "MlOps.Web", "MlOps.Local", "MlOps.Functions", "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting",
            "Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.Mvc").Should().BeEmpty();

    [Fact]
    public void Serving_knows_neither_http_nor_a_host() =>
        Breaches(Serving, "MlOps.Web", "MlOps.Local", "MlOps.Functions", "Microsoft.AspNetCore").Should().BeEmpty();

    [Fact]
    public void Web_knows_no_host() => Breaches(Web, "MlOps.Local", "MlOps.Functions").Should().BeEmpty();

    [Fact]
    public void The_arrows_that_are_meant_are_seen()
    {
        Breaches(Serving, "MlOps.Pipeline").Should().NotBeEmpty();
        Breaches(Web, "MlOps.Serving").Should().NotBeEmpty();
        Breaches(Web, "Microsoft.AspNetCore.Http").Should().NotBeEmpty();
        Breaches(Local, "MlOps.Pipeline").Should().NotBeEmpty();
    }

    private static IEnumerable<string?> Breaches(Assembly assembly, params string[] namespaces) =>
        Types.InAssembly(assembly).That().HaveDependencyOnAny(namespaces).GetTypes().Select(type => type.FullName);
}
