using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Web.OpenApi;

/// <summary>Corrects what the framework derives from types but bodies do not look like.</summary>
internal static class ApiSchemas
{
    public static Task Correct(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancel)
    {
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        if (type == typeof(PipelineDefinition))
        {
            DescribeDefinition(schema);
        }
        else if (type == typeof(double))
        {
            // A number, or "NaN" and "Infinity" as text: no object, which the framework says besides.
            schema.Type = null;
            schema.Format = null;
        }
        else if (type == typeof(ProblemDetails) && schema.Properties is { } members)
        {
            members["problems"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.String },
                Description = "Every problem, when there are several.",
            };
        }
        else if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            // Members that are null are left out.
            schema.AdditionalPropertiesAllowed = context.JsonTypeInfo.UnmappedMemberHandling != JsonUnmappedMemberHandling.Disallow;
            schema.Required?.ExceptWith(context.JsonTypeInfo.Properties.Where(member => member.IsGetNullable).Select(member => member.Name));
        }
        return Task.CompletedTask;
    }

    /// <summary>Definitions have a spelling of their own (short forms, names of trainers): an example in full says more than the type.</summary>
    private static void DescribeDefinition(OpenApiSchema schema)
    {
        schema.Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["target"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The column that is predicted." },
        };
        schema.AdditionalProperties = new OpenApiSchema();
        schema.Required = new HashSet<string> { "target" };
        schema.Description = "A pipeline definition, by GET /schemas/pipeline.json. Every key but model and target has a default; the example has them all.";
        schema.Examples = [JsonNode.Parse(DefinitionJson.Write(Sample))!];
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
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm }, new CandidateSpec { Trainer = TrainerNames.Sdca }],
        Gates = new GateRules { Metric = "rmse", AtMost = 5 },
        RunOn = new TriggerRules("0 0 3 * * *", NewFile: true),
    };
}
