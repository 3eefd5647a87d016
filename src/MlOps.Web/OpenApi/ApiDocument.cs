using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using MlOps.Web.Access;

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
            document.Info = new OpenApiInfo
            {
                Title = "MlOps.Functions",
                Version = Name,
                Description = "Train, promote and serve models of tables. Errors are RFC 9457 problem+json.",
            };
            document.Servers?.Clear();
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
        options.AddSchemaTransformer(ApiSchemas.Correct);
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        // The route table speaks to callers, the comments on handlers to programmers.
        operation.Summary = metadata.OfType<IEndpointSummaryMetadata>().Last().Summary;
        operation.Description = metadata.OfType<RouteRole>().Last() switch
        {
            RouteRole.Anonymous => "For anybody.",
            var role => $"For role {role.ToString().ToLowerInvariant()}.",
        };
        if (metadata.OfType<BodyDescription>().FirstOrDefault() is { } body)
        {
            operation.RequestBody = await DescribeAsync(body, context, cancel);
        }
        if (metadata.OfType<AlternativeAnswer>().FirstOrDefault() is { } alternative
            && operation.Responses?["200"].Content?["application/json"] is { Schema: { } first } answer)
        {
            answer.Schema = new OpenApiSchema { OneOf = [first, await context.GetOrCreateSchemaAsync(alternative.Type, parameterDescription: null, cancel)] };
        }
    }

    private static async Task<OpenApiRequestBody> DescribeAsync(BodyDescription body, OpenApiOperationTransformerContext context, CancellationToken cancel) =>
        new()
        {
            Required = !body.IsOptional,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [body.Type is null ? "application/octet-stream" : "application/json"] = new()
                {
                    Schema = body.Type is { } type
                    ? await context.GetOrCreateSchemaAsync(type, parameterDescription: null, cancel)
                    : new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                    Example = body.Example is { } example ? JsonNode.Parse(example) : null,
                },
            },
        };
}
