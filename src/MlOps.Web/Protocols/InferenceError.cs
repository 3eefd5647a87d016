namespace MlOps.Web.Protocols;

/// <summary>What went wrong, as servers of the Open Inference Protocol tell it.</summary>
/// <param name="Error">What to do.</param>
public sealed record InferenceError(string Error);

internal sealed class InferenceErrorFace : ErrorFace
{
    public override Type Body => typeof(InferenceError);

    protected override object Of(int status, string message, bool isOfRows) => new InferenceError(message);
}
