using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using MlOps.Pipeline.Definitions;

namespace MlOps.Web;

/// <summary>What bodies may be, for editors and checks outside.</summary>
public static class SchemasApi
{
    public const string ContentType = "application/schema+json";

    private static readonly string Pipeline = DefinitionSchema.Write();

    public static ContentHttpResult GetPipeline() => TypedResults.Text(Pipeline, ContentType, Encoding.UTF8);
}
