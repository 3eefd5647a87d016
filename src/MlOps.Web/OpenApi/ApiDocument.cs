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

    private const string Problem = "application/problem+json";

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
            AddWaysIn(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
        options.AddSchemaTransformer(ApiSchemas.Correct);
    }

    private static void AddWaysIn(OpenApiDocument document)
    {
        var schemes = new Dictionary<string, OpenApiSecurityScheme>
        {
            ["bearer"] = new() { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key, or a token of Entra ID." },
            ["basic"] = new() { Type = SecuritySchemeType.Http, Scheme = "basic", Description = "A key as the password; any user name." },
            ["header"] = new() { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "x-functions-key", Description = "A key." },
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = schemes.ToDictionary(scheme => scheme.Key, IOpenApiSecurityScheme (scheme) => scheme.Value);
        document.Security = [.. schemes.Keys.Select(name => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(name, document)] = [] })];
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        // The route table speaks to callers, the comments on handlers to programmers.
        operation.Summary = metadata.OfType<IEndpointSummaryMetadata>().Last().Summary;
        var role = metadata.OfType<RouteRole>().Last();
        operation.Description = role == RouteRole.Anonymous ? "For anybody." : $"For role {Callers.NameOf(role)}.";
        if (role == RouteRole.Anonymous)
        {
            operation.Security = [];
        }
        if (metadata.OfType<BodyDescription>().FirstOrDefault() is { } body)
        {
            operation.RequestBody = await DescribeAsync(body, context, cancel);
        }
        if (metadata.OfType<ErrorFace>().FirstOrDefault() is { } face)
        {
            await ShowAsync(face, operation, context, cancel);
        }
        if (metadata.OfType<AlternativeAnswer>().FirstOrDefault() is { } alternative
            && operation.Responses?["200"].Content?["application/json"] is { Schema: { } first } answer)
        {
            answer.Schema = new OpenApiSchema { OneOf = [first, await context.GetOrCreateSchemaAsync(alternative.Type, parameterDescription: null, cancel)] };
        }
    }

    /// <summary>Problems in the shape of the route's own protocol.</summary>
    private static async Task ShowAsync(ErrorFace face, OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        foreach (var answer in operation.Responses!.Values.Where(answer => answer.Content?.ContainsKey(Problem) == true))
        {
            answer.Content!.Remove(Problem);
            answer.Content["application/json"] = new OpenApiMediaType
            {
                Schema = await context.GetOrCreateSchemaAsync(face.Body, parameterDescription: null, cancel),
            };
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
