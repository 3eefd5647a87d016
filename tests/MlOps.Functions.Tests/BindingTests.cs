using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Functions.Durable;
using MlOps.Functions.Triggers;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Serving;
using MlOps.Web;

namespace MlOps.Functions.Tests;

/// <summary>What the host reads of the app before it runs anything.</summary>
public sealed class BindingTests
{
    private static readonly IReadOnlyList<MethodInfo> Functions =
        [.. typeof(Stages).Assembly.GetExportedTypes().SelectMany(type => type.GetMethods()).Where(method => method.GetCustomAttribute<FunctionAttribute>() is not null)];

    private static readonly string[] AdminFunctions =
        [nameof(Http.PutPipeline), nameof(Http.PutAlias), nameof(Http.Rollback), nameof(Http.PutRawFile), nameof(Http.ApproveRun), nameof(Http.RejectRun)];

    [Fact]
    public void Every_function_has_a_name_of_its_own() =>
        Functions.Select(NameOf).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(30);

    [Fact]
    public void Every_function_has_one_trigger() =>
        Functions.Should().OnlyContain(method => method.GetParameters().Count(IsTrigger) == 1 && IsTrigger(method.GetParameters()[0]));

    [Fact]
    public void Every_function_that_is_no_orchestrator_passes_on_when_it_is_to_stop() =>
        Functions.Where(method => method.GetParameters()[0].GetCustomAttribute<OrchestrationTriggerAttribute>() is null)
            .Should().OnlyContain(method => method.GetParameters().Last().ParameterType == typeof(CancellationToken));

    [Fact]
    public void Every_stage_has_an_activity_of_its_name_and_input()
    {
        var stages = typeof(PipelineServices).Assembly.GetTypes()
            .SelectMany(type => type.GetInterfaces().Where(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IStage<,>)).Select(face => (type.Name, Input: face.GetGenericArguments()[0])))
            .ToList();

        var activities = Functions.Where(method => method.DeclaringType == typeof(Stages)).Select(method => (NameOf(method), method.GetParameters()[0].ParameterType.GetGenericArguments()[0]));

        stages.Should().HaveCountGreaterThan(10);
        activities.Should().BeEquivalentTo(stages);
    }

    [Fact]
    public void Every_shared_route_has_a_function_of_its_route_and_method() =>
        HttpFunctions().Select(function => function.Route).Should().BeEquivalentTo(SharedRoutes());

    [Fact]
    public void What_serves_and_what_runs_are_made_of_takes_the_admin_key_and_health_takes_none() =>
        HttpFunctions().Should().OnlyContain(function => function.Trigger.AuthLevel
            == (function.Name == nameof(Http.GetHealth) ? AuthorizationLevel.Anonymous : AdminFunctions.Contains(function.Name) ? AuthorizationLevel.Admin : AuthorizationLevel.Function));

    [Fact]
    public void Route_parameters_reach_the_functions()
    {
        foreach (var (_, trigger, method) in HttpFunctions().Select(function => (function.Name, function.Trigger, function.Method)))
        {
            var inRoute = System.Text.RegularExpressions.Regex.Matches(trigger.Route!, @"\{\*?(\w+)\}").Select(match => match.Groups[1].Value);
            var taken = method.GetParameters().Where(parameter => parameter.ParameterType == typeof(string)).Select(parameter => parameter.Name);
            taken.Should().Equal(inRoute, "{0} is called so", method.Name);
        }
    }

    [Fact]
    public void Raw_files_are_told_by_event_grid_or_found_by_polling()
    {
        var triggers = Functions.Where(method => method.DeclaringType == typeof(Blob)).ToDictionary(NameOf, method => method.GetParameters()[0].GetCustomAttribute<BlobTriggerAttribute>()!);

        triggers.Values.Should().OnlyContain(trigger => trigger.BlobPath == "raw/{name}" && trigger.Connection == "AzureWebJobsStorage");
        triggers[nameof(Blob.TakeRawFile)].Source.Should().Be(BlobTriggerSource.EventGrid);
        triggers[nameof(Blob.TakePolledRawFile)].Source.Should().Be(BlobTriggerSource.LogsAndContainerScan);
    }

    [Fact]
    public void What_starts_or_steers_runs_is_given_the_durable_client() =>
        Functions.Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(DurableTaskClient))).Select(NameOf)
            .Should().BeEquivalentTo(
                nameof(Http.StartRun), nameof(Http.ApproveRun), nameof(Http.RejectRun), nameof(Http.CancelRun), nameof(Http.RetryRun),
                "LookAround", nameof(Blob.TakeRawFile), nameof(Blob.TakePolledRawFile));

    private static string NameOf(MethodInfo method) => method.GetCustomAttribute<FunctionAttribute>()!.Name;

    private static bool IsTrigger(ParameterInfo parameter) => parameter.GetCustomAttributes().Any(attribute => attribute.GetType().Name.EndsWith("TriggerAttribute", StringComparison.Ordinal));

    private static List<(string Name, string Route, HttpTriggerAttribute Trigger, MethodInfo Method)> HttpFunctions() =>
    [
        .. from method in Functions
           let trigger = method.GetParameters()[0].GetCustomAttribute<HttpTriggerAttribute>()
           where trigger is not null
           from verb in trigger.Methods!
           select (NameOf(method), $"{verb.ToUpperInvariant()} /{trigger.Route}", trigger, method),
    ];

    private static List<string> SharedRoutes()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddMlOpsPipeline().AddMlOpsServing().AddMlOpsWeb();
        builder.Services.AddSingleton<PipelineStorage>(_ => throw new NotSupportedException()).AddSingleton<IPipelineEngine>(_ => throw new NotSupportedException());
        var app = builder.Build();
        app.MapMlOps();
        return
        [
            .. from endpoint in ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
               from verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
               select $"{verb} /{endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{**", "{*", StringComparison.Ordinal)}",
        ];
    }
}
