using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;

namespace MlOps.Web.OpenApi;

/// <summary>The document at <c>GET /openapi.json</c>.</summary>
internal static class ApiDocument
{
    public const string Name = "v1";

    public const string Route = "/openapi.json";

    public static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "MlOps.Functions", Version = Name, Description = "Train, promote and serve models of tables. Errors are RFC 9457 problem+json." };
            document.Servers?.Clear();
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(AddBodyAsync);
        options.AddSchemaTransformer(DescribeDefinition);
    }

    /// <summary>Definitions have a spelling of their own (short forms, names of trainers): an example in full says more than the type.</summary>
    private static Task DescribeDefinition(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancel)
    {
        if (context.JsonTypeInfo.Type == typeof(PipelineDefinition))
        {
            schema.Properties = null;
            schema.Required = new HashSet<string> { "target" };
            schema.Description = "A pipeline definition. Every key but model and target has a default; the example has them all.";
            schema.Examples = [JsonNode.Parse(DefinitionJson.Write(Sample))!];
        }
        return Task.CompletedTask;
    }

    private static PipelineDefinition Sample { get; } = new()
    {
        Model = "taxi-fare",
        Target = "fare_amount",
        Task = TaskKind.Regression,
        Owner = "fleet-ml",
        IntendedUse = "fare estimate before a trip",
        Limits = "one city, 2013",
        Columns = new Dictionary<string, ColumnRule>
        {
            ["vendor_id"] = new() { Kind = ColumnKind.Categorical },
            ["trip_distance"] = new() { Kind = ColumnKind.Numeric, Min = 0, Max = 200, Impute = new ImputeRule(ImputeStrategy.Median) },
            ["note"] = new() { Ignore = true },
        },
        Features = new FeatureRules { Interactions = [["trip_time_in_secs", "trip_distance"]], Logs = ["trip_distance"] },
        Candidates = [new CandidateSpec { Trainer = TrainerKind.LightGbm }, new CandidateSpec { Trainer = TrainerKind.Sdca }],
        Gates = new GateRules { Metric = "rmse", AtMost = 5 },
        RunOn = new TriggerRules("0 0 3 * * *", NewFile: true),
    };

    private static async Task AddBodyAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<BodyDescription>().FirstOrDefault() is not { } body)
        {
            return;
        }
        var schema = body.Type is { } type
            ? await context.GetOrCreateSchemaAsync(type, parameterDescription: null, cancel)
            : new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = !body.IsOptional,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [body.Type is null ? "application/octet-stream" : "application/json"] = new()
                {
                    Schema = schema,
                    Example = body.Example is { } example ? JsonNode.Parse(example) : null,
                },
            },
        };
    }
}
