using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace MlOps.Web.Protocols;

/// <summary>What went wrong, as MLflow's servers tell it.</summary>
/// <param name="ErrorCode">A code of <c>databricks.proto</c>.</param>
/// <param name="Message">What to do.</param>
public sealed record InvocationsError(
    [property: JsonPropertyName("error_code")] string ErrorCode, [property: JsonPropertyName("message")] string Message);

/// <summary>Errors of MLflow's routes. Codes: mlflow/protos/databricks.proto; which stands for what: mlflow/pyfunc/scoring_server.</summary>
internal sealed class InvocationsErrorFace : ErrorFace
{
    public override Type Body => typeof(InvocationsError);

    protected override object Of(int status, string message, bool isOfRows) => new InvocationsError(
        status switch
        {
            StatusCodes.Status400BadRequest when isOfRows => "INVALID_PARAMETER_VALUE",
            StatusCodes.Status401Unauthorized => "UNAUTHENTICATED",
            StatusCodes.Status403Forbidden => "PERMISSION_DENIED",
            StatusCodes.Status404NotFound => "RESOURCE_DOES_NOT_EXIST",
            StatusCodes.Status503ServiceUnavailable => "TEMPORARILY_UNAVAILABLE",
            >= StatusCodes.Status500InternalServerError => "INTERNAL_ERROR",
            _ => "BAD_REQUEST",
        },
        message);
}
