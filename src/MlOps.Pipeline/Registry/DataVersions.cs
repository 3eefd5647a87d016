using System.Globalization;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Registry;

/// <summary>Finds a dataset version by what a person calls it.</summary>
public sealed partial class DataVersions(DataLog log, DataTags tags, ModelRegistry registry)
{
    /// <summary>What a person may call a version, in words.</summary>
    public const string Words =
        "a tag; 'latest' for the newest raw version, 'latest~1' for the one before; 'v3' for the raw rows of model version 3, 'v3:train' for its training "
        + "rows; or an id, of which six digits do";

    /// <summary>The version, or null when there is none of that name.</summary>
    /// <param name="model">Whose.</param>
    /// <param name="name">See <see cref="Words"/>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">More than one id begins so.</exception>
    public async Task<DataEntry?> FindAsync(string model, string name, CancellationToken cancel)
    {
        if (LatestPattern.Match(name) is { Success: true } latest)
        {
            var back = latest.Groups[1] is { Success: true, Value: var given } ? int.Parse(given, CultureInfo.InvariantCulture) : 0;
            return await FindLatestAsync(model, back, cancel);
        }
        if (ModelVersionPattern.Match(name) is { Success: true } version)
        {
            var stage = version.Groups[2] is { Success: true, Value: var named } ? named : "raw";
            return int.TryParse(version.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && await registry.FindVersionAsync(model, number, cancel) is { } registered && registered.Lineage.OfStage(stage) is { } id
                ? await log.FindAsync(model, id, cancel)
                : null;
        }
        if (await tags.FindAsync(model, name, cancel) is { } tag)
        {
            return await log.FindAsync(model, tag.Version, cancel);
        }
        return IdPattern.IsMatch(name) ? await FindByIdAsync(model, name, cancel) : null;
    }

    /// <inheritdoc cref="FindAsync"/>
    /// <exception cref="InputException">There is none, or more than one.</exception>
    public async Task<DataEntry> GetAsync(string model, string name, CancellationToken cancel) =>
        await FindAsync(model, name, cancel) ?? throw new InputException(Unknown(model, name));

    /// <summary>What to say where there is no such version.</summary>
    public static string Unknown(string model, string name) => $"Model '{model}' has no dataset version '{name}'. Name one by {Words}.";

    private async Task<DataEntry?> FindLatestAsync(string model, int back, CancellationToken cancel)
    {
        const int Farthest = 999;
        return back > Farthest ? null : (await log.ListAsync(model, "raw", back + 1, next: null, cancel)).Items.ElementAtOrDefault(back);
    }

    private async Task<DataEntry?> FindByIdAsync(string model, string id, CancellationToken cancel)
    {
        if (await log.FindAsync(model, id, cancel) is { } whole)
        {
            return whole;
        }
        var found = await log.FindByPrefixAsync(model, id, cancel);
        return found.Count > 1
            ? throw new InputException(
                $"'{id}' begins the ids of more than one version of model '{model}', such as {found[0].Id} and {found[1].Id}. Give more of it.")
            : found.SingleOrDefault();
    }

    [GeneratedRegex(@"\Alatest(?:~([0-9]{1,4}))?\z")]
    private static partial Regex LatestPattern { get; }

    [GeneratedRegex(@"\Av([0-9]+)(?::([a-z]+))?\z")]
    private static partial Regex ModelVersionPattern { get; }

    [GeneratedRegex(@"\A[0-9a-f]{6,32}\z")]
    private static partial Regex IdPattern { get; }
}
