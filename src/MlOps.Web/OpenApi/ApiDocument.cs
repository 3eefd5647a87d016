using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
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
                Description = "Train, promote and serve models of tables. Errors are RFC 9457 problem+json, but for routes of protocols with their own.",
                License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
            };
            // The host that gave the document.
            document.Servers = [new OpenApiServer { Url = "/" }];
            foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>())
            {
                tag.Description = Tags.GetValueOrDefault(tag.Name!);
            }
            AddWaysIn(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(DescribeAsync);
        options.AddSchemaTransformer(ApiSchemas.Correct);
    }

    private static readonly Dictionary<string, string> Tags = new(StringComparer.Ordinal)
    {
        ["Health"] = "Whether the host answers, and what it is.",
        ["Predictions"] = "Rows in, predictions out; and what is kept of them.",
        ["Open Inference Protocol"] = "The same by version 2 of the Open Inference Protocol, as KServe, Triton and MLServer speak it.",
        ["Pipelines"] = "Definitions of models, and their runs.",
        ["Runs"] = "What became of a run, and decisions about it.",
        ["Models"] = "The registry: versions and aliases.",
        ["Raw files"] = "Files that runs read.",
        ["Data"] = "Dataset versions: rows, differences, names, origins.",
        ["Audit"] = "Who decided what.",
    };

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
        operation.OperationId = IdOf(context.Description.HttpMethod!, context.Description.RelativePath!);
        await AddRefusalsAsync(role, operation, context, cancel);
        if (metadata.OfType<BodyDescription>().LastOrDefault() is { } body)
        {
            operation.RequestBody = await DescribeAsync(body, context, cancel);
        }
        if (metadata.OfType<RowStreams>().Any())
        {
            AddStreams(operation);
        }
        if (metadata.OfType<ErrorFace>().FirstOrDefault() is { } face)
        {
            await ShowAsync(face, operation, context, cancel);
        }
        if (metadata.OfType<AlternativeAnswer>().FirstOrDefault() is { } alternative
            && operation.Responses?["200"].Content?["application/json"] is { Schema: { } first } answer)
        {
            answer.Schema = new OpenApiSchema { AnyOf = [first, await NamedAsync(alternative.Type, context, cancel)] };
        }
    }

    /// <summary>Verb and address, as <c>getModelsByNameVersions</c>: it stays while the address does.</summary>
    private static string IdOf(string verb, string path)
    {
        var parts = path.Split(['/', '.', '-'], StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part[0] == '{' ? $"By{Capital(part.Trim('{', '}', '*'))}" : Capital(part));
        return verb.ToLowerInvariant() + (string.Concat(parts) is { Length: > 0 } id ? id : "Home");

        static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
    }

    /// <summary>What is answered before a route is reached.</summary>
    private static async Task AddRefusalsAsync(
        RouteRole role, OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var refusals = new List<(string Status, string Words)> { ("421", "The host answers under this machine's own names only.") };
        if (role > RouteRole.Anonymous)
        {
            refusals.AddRange([("401", "Nobody has signed in."), ("403", "Who has signed in may not do this.")]);
        }
        foreach (var (status, words) in refusals)
        {
            operation.Responses![status] = new OpenApiResponse
            {
                Description = words,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem] = new() { Schema = await NamedAsync(typeof(ProblemDetails), context, cancel) },
                },
            };
        }
    }

    /// <summary>Texts in, texts out.</summary>
    private static void AddStreams(OpenApiOperation operation)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = "model",
            In = ParameterLocation.Query,
            Description = "Which model, of a body that is no JSON; may be left out while there is only one.",
            Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
        foreach (var (type, row, answer) in new[]
        {
            ("text/csv", "trip_distance,vendor_id\n3.1,CMT\n", "prediction\n12.7\n"),
            (PredictionsApi.ContentType, "{\"trip_distance\": 3.1}\n", "{\"prediction\":12.7,\"model\":\"taxi-fare\",\"version\":1}\n"),
        })
        {
            operation.RequestBody!.Content![type] = new OpenApiMediaType { Schema = Text(), Example = row };
            operation.Responses!["200"].Content![type] = new OpenApiMediaType { Schema = Text(), Example = answer };
        }

        static OpenApiSchema Text() => new() { Type = JsonSchemaType.String };
    }

    /// <summary>A schema that stands in the document once, by its type's name.</summary>
    private static async Task<IOpenApiSchema> NamedAsync(Type type, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var document = context.Document!;
        if (document.Components?.Schemas?.ContainsKey(type.Name) != true)
        {
            document.AddComponent(type.Name, await context.GetOrCreateSchemaAsync(type, parameterDescription: null, cancel));
        }
        return new OpenApiSchemaReference(type.Name, document);
    }

    /// <summary>Problems in the shape of the route's own protocol.</summary>
    private static async Task ShowAsync(ErrorFace face, OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        foreach (var answer in operation.Responses!.Values.Where(answer => answer.Content?.ContainsKey(Problem) == true))
        {
            answer.Content!.Remove(Problem);
            answer.Content["application/json"] = new OpenApiMediaType
            {
                Schema = await NamedAsync(face.Body, context, cancel),
            };
        }
    }

    private static async Task<OpenApiRequestBody> DescribeAsync(BodyDescription body, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        return new OpenApiRequestBody
        {
            Required = !body.IsOptional,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [body.Type is null ? "application/octet-stream" : "application/json"] = new()
                {
                    Schema = body.Type is { } type
                        ? body.Other is { } other
                            ? new OpenApiSchema { OneOf = [await SchemaOf(type), await SchemaOf(other)] }
                            : await SchemaOf(type)
                        : new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
                    Example = body.Example is { } example ? JsonNode.Parse(example) : null,
                },
            },
        };

        Task<IOpenApiSchema> SchemaOf(Type type) => NamedAsync(type, context, cancel);
    }
}
