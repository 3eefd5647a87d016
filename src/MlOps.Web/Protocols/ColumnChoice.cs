using MlOps.Serving.Models;

namespace MlOps.Web.Protocols;

/// <summary>
/// Which of a caller's columns go to the model, where a protocol ignores those that the signature does not have. They are ignored only while every
/// input is there: else one of them may be an input with a slip in its name, and is refused by that.
/// </summary>
internal static class ColumnChoice
{
    public static Func<string, bool> Of(IEnumerable<string> given, ModelContract contract)
    {
        var names = given.ToHashSet(StringComparer.Ordinal);
        var inputs = contract.Signature.Inputs.Select(input => input.Name).ToHashSet(StringComparer.Ordinal);
        return names.IsSupersetOf(inputs) ? inputs.Contains : column => inputs.Contains(column) || column != contract.Signature.Target.Name;
    }
}
