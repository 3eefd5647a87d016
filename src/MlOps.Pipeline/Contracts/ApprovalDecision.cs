using System.Text.Json;

namespace MlOps.Pipeline.Contracts;

/// <summary>What a person decided about a model that waits for approval: the payload of the event <c>approval</c>.</summary>
/// <param name="Approved">True lets the model pass.</param>
/// <param name="By">Who decided; null when nobody says.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
public sealed record ApprovalDecision(bool Approved, string? By = null, string? Reason = null, DateTimeOffset? At = null)
{
    public string ToPayload() => Json.Write(this);

    /// <summary>Reads an event's payload; what is no decision rejects, and says so.</summary>
    public static ApprovalDecision Read(string payload)
    {
        try
        {
            return Json.Read<ApprovalDecision>(payload);
        }
        catch (JsonException)
        {
            return new ApprovalDecision(Approved: false, Reason: $"the event's payload is no decision: {payload}");
        }
    }

    /// <summary>The decision in words, such as <c>rejected by Ann: too slow</c>.</summary>
    public override string ToString() => (Approved ? "approved" : "rejected") + (By is null ? "" : $" by {By}") + (Reason is null ? "" : $": {Reason}");
}
