using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Validate;

namespace MlOps.Samples.Extensions;

/// <summary>
/// The mean absolute error must not be above <c>atMost</c> in any group of the categorical feature <c>column</c>: a model that is good on the whole
/// may be poor for a few.
/// </summary>
public sealed class GroupError : IPromotionCheck
{
    public string Name => "group-error";

    public IReadOnlyCollection<string> Options => ["column", "atMost"];

    public Task<IReadOnlyList<string>> CheckAsync(PromotionCandidate candidate, ExtensionOptions options, CancellationToken cancel)
    {
        if (options.Text("column") is not { } column || options.Number("atMost") is not { } most)
        {
            throw new InputException("The check group-error needs the options 'column' and 'atMost'.");
        }
        var rows = candidate.Rows;
        var errors = rows.Categories(column).Select((group, i) => (Group: group ?? "other", Error: Math.Abs(rows.Predicted[i] - rows.Actual[i])));
        IReadOnlyList<string> poor =
        [
            .. errors.GroupBy(row => row.Group, row => row.Error).Where(group => group.Average() > most).OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => string.Create(
                    CultureInfo.InvariantCulture, $"the mean absolute error where {column} is {group.Key} is {group.Average():G4}, above {most:G4}"))
        ];
        return Task.FromResult(poor);
    }
}
