using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>Which runs are asked for, and in what order.</summary>
public sealed record RunQuery
{
    public string? Model { get; init; }
    public RunState? State { get; init; }
    public RunGoal? Goal { get; init; }
    public string? Trigger { get; init; }
    /// <summary>Created from this time on,</summary>
    public DateTimeOffset? From { get; init; }
    /// <summary>and before this one.</summary>
    public DateTimeOffset? Until { get; init; }
    /// <summary>The metric by which runs are filtered or sorted, such as <c>val_rmse</c>.</summary>
    public string? Metric { get; init; }
    public double? Min { get; init; }
    public double? Max { get; init; }
    /// <summary><c>newest</c> (null too), <c>oldest</c>, <c>lowest</c> or <c>highest</c> by the metric.</summary>
    public string? Sort { get; init; }
    /// <summary>How many runs come before this page.</summary>
    public int Skip { get; init; }

    /// <summary>Whether a list that is in order by time answers it, of which only one page is read.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsPlain => this is { State: null, Goal: null, Trigger: null, From: null, Until: null, Metric: null, Sort: null };

    /// <exception cref="InputException">A part of it is none.</exception>
    public static RunQuery Of(IQueryCollection query)
    {
        var sort = Text(query, "sort");
        var asked = new RunQuery
        {
            Model = Text(query, "model"),
            State = Enumerated<RunState>(query, "state"),
            Goal = Enumerated<RunGoal>(query, "goal"),
            Trigger = Text(query, "trigger"),
            From = Time(query, "from"),
            Until = Time(query, "until"),
            Metric = Text(query, "metric"),
            Min = Number(query, "min"),
            Max = Number(query, "max"),
            Sort = sort is null or "newest" ? null : sort is "oldest" or "lowest" or "highest" ? sort
                : throw new InputException($"sort is '{sort}'; it must be newest, oldest, lowest or highest."),
            Skip = (int)(Number(query, "skip") is { } skip ? Math.Clamp(skip, 0, 1e9) : 0),
        };
        if (asked.Model is { } model && !Names.IsModel(model))
        {
            throw new InputException($"model is '{model}'; it must be {ModelNameRule}.");
        }
        return asked is { Metric: null, Sort: "lowest" or "highest" } or { Metric: null, Min: not null } or { Metric: null, Max: not null }
            ? throw new InputException("Name the metric: metric=val_rmse, for example.")
            : asked;
    }

    private static string ModelNameRule => Pipeline.Definitions.ModelName.Rule;

    private static string? Text(IQueryCollection query, string key) => query[key] is [{ Length: > 0 } text] ? text : null;

    private static T? Enumerated<T>(IQueryCollection query, string key) where T : struct, Enum =>
        Text(query, key) is not { } text ? null
            : Enum.TryParse<T>(text, ignoreCase: true, out var value) && !char.IsAsciiDigit(text[0]) && Enum.IsDefined(value) ? value
            : throw new InputException($"{key} is '{text}'; it must be one of {string.Join(", ", Enum.GetValues<T>().Select(Show.Word))}.");

    private static DateTimeOffset? Time(IQueryCollection query, string key) => Text(query, key) is not { } text ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at
        : throw new InputException($"{key} is '{text}'; it must be a time such as 2026-11-27 or 2026-11-27T10:00:00Z.");

    private static double? Number(IQueryCollection query, string key) => Text(query, key) is not { } text ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
        : throw new InputException($"{key} is '{text}'; it must be a number.");
}
