namespace MlOps.Pipeline.Features;

/// <summary>
/// A function that computes a feature from columns of the same row. The pipeline calls this one implementation for whole tables and for single
/// predictions, so that training and serving cannot differ. A definition uses it under <c>features.custom</c>.
/// </summary>
public interface IFeatureFunction
{
    /// <summary>Its name in definitions and stored models: 1 to 40 lower-case letters, digits, <c>-</c> and <c>_</c>, beginning with a letter.</summary>
    string Name { get; }

    /// <summary>
    /// Names the implementation. Change it when the same inputs no longer give the same result: data and models are then made anew, and a model that
    /// was trained with another version is refused rather than served other numbers than it learnt from.
    /// </summary>
    string Version => "1";

    /// <summary>How many columns it takes, 1 or more.</summary>
    int Inputs { get; }

    /// <summary>
    /// The feature's value of one row. Pure: the same inputs give the same result on every machine, at any time. Called from many threads at once, a
    /// million times and more a run: it should not allocate.
    /// </summary>
    /// <param name="inputs">
    /// One value a column, in the definition's order, as <see cref="Inputs"/> says how many. Numbers in the column's own unit; a boolean is 1 or 0; a
    /// datetime is microseconds since 1970-01-01 (UTC, or as it stands where it has no offset). NaN is a missing value.
    /// </param>
    /// <returns>The value; NaN, or an infinity, is missing. An exception fails the stage or the prediction: give NaN for what has no result.</returns>
    double Evaluate(ReadOnlySpan<double> inputs);
}
