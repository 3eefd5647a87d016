using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Functions.Durable;
using MlOps.Functions.Triggers;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Stages;
using MlOps.Serving;
using MlOps.Web;

namespace MlOps.Functions.Tests;

/// <summary>What the host reads of the app before it runs anything.</summary>
public sealed class BindingTests
{
    private static readonly IReadOnlyList<MethodInfo> Functions =
        [.. typeof(Stages).Assembly.GetExportedTypes().SelectMany(type => type.GetMethods()).Where(
            method => method.GetCustomAttribute<FunctionAttribute>() is not null)];

    [Fact]
    public void Every_function_has_a_name_of_its_own() =>
        Functions.Select(NameOf).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(20);

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
            .SelectMany(type => type.GetInterfaces().Where(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IStage<,>)).Select(
                face => (type.Name, Input: face.GetGenericArguments()[0])))
            .ToList();

        var activities = Functions.Where(method => method.DeclaringType == typeof(Stages))
            .Select(method => (NameOf(method), method.GetParameters()[0].ParameterType.GetGenericArguments()[0]));

        stages.Should().HaveCountGreaterThan(10);
        activities.Should().BeEquivalentTo(stages);
    }

    /// <summary>The host would answer 401 to a key, token or cookie of ours.</summary>
    [Fact]
    public void Who_may_call_is_left_to_the_routes()
    {
        var routes = SharedRoutes();

        routes.Should().HaveCountGreaterThan(20);
        routes.Should().OnlyContain(route => FunctionFor(route.Verb, route.Pattern).AuthLevel == AuthorizationLevel.Anonymous);
    }

    [Theory]
    [InlineData("POST", "/predict", nameof(Http.Predict))]
    [InlineData("POST", "/pipelines/{model}/runs", nameof(Http.StartRun))]
    [InlineData("GET", "/health", nameof(Http.GetHealth))]
    [InlineData("GET", "/ping", nameof(Http.Ping))]
    [InlineData("GET", "/metrics", nameof(Http.Web))]
    [InlineData("POST", "/raw/{model}/{file}/upload-url", nameof(Http.Web))]
    [InlineData("DELETE", "/models/{name}/predictions", nameof(Http.Web))]
    [InlineData("POST", "/runs/{id}/retry", nameof(Http.Web))]
    [InlineData("POST", "/runs/{id}/approve", nameof(Http.Web))]
    [InlineData("POST", "/runs/{id}/reproduction", nameof(Http.Web))]
    [InlineData("POST", "/models/{name}/invocations", nameof(Http.Web))]
    [InlineData("POST", "/v2/models/{model}/versions/{version}/infer", nameof(Http.Web))]
    [InlineData("GET", "/", nameof(Http.Web))]
    public void A_route_has_the_function_that_is_meant_for_it(string verb, string pattern, string function) =>
        FunctionFor(verb, pattern).Name.Should().Be(function);

    [Fact]
    public void Raw_files_are_told_by_event_grid_or_found_by_polling()
    {
        var triggers = Functions.Where(method => method.DeclaringType == typeof(Blob))
            .ToDictionary(NameOf, method => method.GetParameters()[0].GetCustomAttribute<BlobTriggerAttribute>()!);

        triggers.Values.Should().OnlyContain(trigger => trigger.BlobPath == "raw/{name}" && trigger.Connection == "AzureWebJobsStorage");
        triggers[nameof(Blob.TakeRawFile)].Source.Should().Be(BlobTriggerSource.EventGrid);
        triggers[nameof(Blob.TakePolledRawFile)].Source.Should().Be(BlobTriggerSource.LogsAndContainerScan);
    }

    [Fact]
    public void What_starts_or_steers_runs_is_given_the_durable_client() =>
        Functions.Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(DurableTaskClient))).Select(NameOf)
            .Should().BeEquivalentTo(
                nameof(Http.StartRun), nameof(Http.Web), nameof(Triggers.Timer.LookAround), nameof(Blob.TakeRawFile),
                nameof(Blob.TakePolledRawFile));

    private static string NameOf(MethodInfo method) => method.GetCustomAttribute<FunctionAttribute>()!.Name;

    private static bool IsTrigger(ParameterInfo parameter) =>
        parameter.GetCustomAttributes().Any(attribute => attribute.GetType().Name.EndsWith("TriggerAttribute", StringComparison.Ordinal));

    private static (string Name, AuthorizationLevel AuthLevel) FunctionFor(string verb, string pattern)
    {
        var path = System.Text.RegularExpressions.Regex.Replace(pattern, @"\{\**\w+\}", "x");
        var found = from method in Functions
                    let trigger = method.GetParameters()[0].GetCustomAttribute<HttpTriggerAttribute>()
                    where trigger is not null && trigger.Methods!.Contains(verb, StringComparer.OrdinalIgnoreCase)
                    where Matches(RoutePatternFactory.Parse(trigger.Route!), path)
                    // As the host: see Http.
                    orderby NameOf(method).ToUpperInvariant()
                    select (NameOf(method), trigger.AuthLevel);
        return found.First();
    }

    private static bool Matches(RoutePattern template, string path)
    {
        var values = new RouteValueDictionary();
        return new TemplateMatcher(new RouteTemplate(template), values).TryMatch(path, values)
            && template.ParameterPolicies.All(policies => policies.Value.All(policy =>
                policy.Content is not { } text
                || !text.StartsWith("regex(", StringComparison.Ordinal)
                || System.Text.RegularExpressions.Regex.IsMatch((string)values[policies.Key]!, text[6..^1])));
    }

    private static List<(string Verb, string Pattern)> SharedRoutes()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddMlOpsPipeline().AddMlOpsServing().AddMlOpsWeb();
        builder.Services.AddSingleton<PipelineStorage>(_ => throw new NotSupportedException())
            .AddSingleton<IPipelineEngine>(_ => throw new NotSupportedException());
        var app = builder.Build();
        app.MapMlOps();
        return
        [
            .. from endpoint in ((IEndpointRouteBuilder)app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
               from verb in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
               select (verb, "/" + endpoint.RoutePattern.RawText!.TrimStart('/')),
        ];
    }
}
