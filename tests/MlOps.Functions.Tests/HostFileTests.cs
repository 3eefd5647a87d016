using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Doctor;

namespace MlOps.Functions.Tests;

/// <summary>The files that the host reads beside the app.</summary>
public sealed class HostFileTests
{
    [Fact]
    public void The_routes_have_no_prefix_and_instances_that_run_are_not_replaced()
    {
        using var host = HostFile.Read();
        var extensions = host.RootElement.GetProperty("extensions");

        extensions.GetProperty("http").GetProperty("routePrefix").GetString().Should().BeEmpty();
        extensions.GetProperty("durableTask").GetProperty("overridableExistingInstanceStates").GetString().Should().Be("NonRunningStates");
        HostFile.MostActivities.Should().BeLessThanOrEqualTo(4, "each may hold a table's features in memory");
        HostFile.MostActivities.Should().BeGreaterThan(
            new PipelineOptions { WorkFolder = "" }.MostTrainingsTogether, "what is quick must not wait for trainings");
    }

    /// <summary>Else what the worker and the host tell would be two traces.</summary>
    [Fact]
    public void The_host_tells_what_it_does_as_the_worker_does()
    {
        using var host = HostFile.Read();

        host.RootElement.GetProperty("telemetryMode").GetString().Should().Be("OpenTelemetry");
    }

    [Fact]
    public void A_stage_is_over_before_an_instance_that_is_scaled_in_is_taken_away()
    {
        using var host = HostFile.Read();

        TimeSpan.Parse(host.RootElement.GetProperty("functionTimeout").GetString()!, System.Globalization.CultureInfo.InvariantCulture)
            .Should().BeLessThanOrEqualTo(TimeSpan.FromMinutes(60));
    }

    /// <summary>Else each request to storage would be lines of the log, which are paid for.</summary>
    [Fact]
    public void The_host_logs_no_line_for_each_request_to_storage()
    {
        using var host = HostFile.Read();

        host.RootElement.GetProperty("logging").GetProperty("logLevel").GetProperty("Azure").GetString().Should().Be("Warning");
    }

    [Fact]
    public void The_task_hub_and_the_orchestration_are_those_that_the_doctor_looks_for()
    {
        using var host = HostFile.Read();

        host.RootElement.GetProperty("extensions").GetProperty("durableTask").GetProperty("hubName").GetString().Should().Be(TaskHubs.DefaultName);
        TaskHubs.Orchestration.Should().Be(nameof(Orchestrator.TrainModel));
    }

    /// <summary>A key that the host's extension does not know is passed over in silence: versions would then not be told.</summary>
    [Fact]
    public void Every_key_of_durable_task_is_one_that_the_hosts_extension_reads()
    {
        using var host = HostFile.Read();
        var keys = host.RootElement.GetProperty("extensions").GetProperty("durableTask").EnumerateObject().Select(key => key.Name).ToList();

        keys.Should().Contain(["defaultVersion", "versionMatchStrategy", "versionFailureStrategy"]);
        keys.Select(key => char.ToUpperInvariant(key[0]) + key[1..]).Should().BeSubsetOf(OptionsOfTheExtension());
    }

    /// <summary>The extension runs in the host and not in the app: its options are read from its file, beside the app's.</summary>
    private static IReadOnlyList<string> OptionsOfTheExtension([CallerFilePath] string source = "")
    {
        var output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2..];
        var folder = Path.Combine([Path.GetDirectoryName(source)!, "..", "..", "src", "MlOps.Functions", "bin", .. output, ".azurefunctions"]);
        using var file = new PEReader(File.OpenRead(Path.Combine(folder, "Microsoft.Azure.WebJobs.Extensions.DurableTask.dll")));
        var types = file.GetMetadataReader();
        return
        [
            .. from handle in types.TypeDefinitions
               let type = types.GetTypeDefinition(handle)
               where types.GetString(type.Name) == "DurableTaskOptions"
               from property in type.GetProperties()
               select types.GetString(types.GetPropertyDefinition(property).Name),
        ];
    }
}
