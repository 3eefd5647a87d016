namespace MlOps.Pipeline.Contracts;

/// <summary>What warnings are about, for programs: a code stays the same where its sentence changes. docs/data.md has the table.</summary>
public static class WarningCodes
{
    /// <summary>The file has no header.</summary>
    public const string NoHeader = "no-header";

    /// <summary>A column has another name than in the file.</summary>
    public const string RenamedColumn = "renamed-column";

    /// <summary>The text is no UTF-8 and was read as Windows-1252.</summary>
    public const string NotUtf8 = "not-utf-8";

    /// <summary>Rows with another number of cells than the header were left out.</summary>
    public const string RaggedRows = "ragged-rows";

    /// <summary>A column has no values and is left out.</summary>
    public const string NoValues = "no-values";

    /// <summary>A Parquet column of a type that is not read is left out.</summary>
    public const string UnsupportedType = "unsupported-type";

    /// <summary>Numbers that are codes are read as text.</summary>
    public const string CodesAsText = "codes-as-text";

    /// <summary>Whole numbers too large for a double are read as text.</summary>
    public const string LargeNumbersAsText = "large-numbers-as-text";

    /// <summary>A column only counts its rows.</summary>
    public const string CountsRows = "counts-rows";

    /// <summary>Dates without separators are used as numbers.</summary>
    public const string CompactDates = "compact-dates";

    /// <summary>Texts that may mean a missing value are taken for words.</summary>
    public const string MissingWords = "missing-words";

    /// <summary>A column is text although most of its cells are numbers or dates.</summary>
    public const string MostlyValues = "mostly-values";

    /// <summary>Numbers or dates with a unit beside are read as text.</summary>
    public const string NumbersWithUnit = "numbers-with-unit";

    /// <summary>Times of two parts are read as text.</summary>
    public const string TwoPartTimes = "two-part-times";

    /// <summary>Dates with words that are not read are read as text.</summary>
    public const string WordedDates = "worded-dates";

    /// <summary>Numbers of one column have points and commas as decimal marks.</summary>
    public const string TwoNotations = "two-notations";

    /// <summary>Nothing in the file shows how a column is written.</summary>
    public const string FormatInDoubt = "format-in-doubt";

    /// <summary>A column is written otherwise than in the earlier table.</summary>
    public const string FormatDiffers = "format-differs";

    /// <summary>An assumed format was contradicted, and the definition corrected.</summary>
    public const string GuessCorrected = "guess-corrected";

    /// <summary>Percentages, amounts of a currency or durations are read as numbers.</summary>
    public const string FormOfNumbers = "form-of-numbers";

    /// <summary>Texts were taken for missing values.</summary>
    public const string MissingTexts = "missing-texts";

    /// <summary>Cells are no values of their column's type.</summary>
    public const string UnreadableCells = "unreadable-cells";

    /// <summary>A column of the table is not used.</summary>
    public const string NotUsed = "not-used";

    /// <summary>A computed feature is left out.</summary>
    public const string FeatureSkipped = "feature-skipped";

    /// <summary>Predictions with feedback are left out, as what was told is no value.</summary>
    public const string FeedbackLeftOut = "feedback-left-out";

    /// <summary>The table is not as the definition expects.</summary>
    public const string Unexpected = "unexpected";

    /// <summary>There is no earlier table to compare with.</summary>
    public const string NotCompared = "not-compared";

    /// <summary>Rows were left out for a reason.</summary>
    public const string RowsLeftOut = "rows-left-out";

    /// <summary>Reasons of few rows each are many rows together.</summary>
    public const string RowsLeftOutTogether = "rows-left-out-together";

    /// <summary>Rows left out for the reasons that are not told one by one.</summary>
    public const string RowsLeftOutRest = "rows-left-out-rest";

    /// <summary>Rows that equal an earlier one were kept.</summary>
    public const string EqualRowsKept = "equal-rows-kept";

    /// <summary>Rows that were left out have another target than the others.</summary>
    public const string TargetLoss = "target-loss";

    /// <summary>Few rows validate.</summary>
    public const string FewRows = "few-rows";

    /// <summary>The numbers of the target may be names of classes.</summary>
    public const string FewTargetValues = "few-target-values";

    /// <summary>Classes of the target differ in letter case only.</summary>
    public const string ClassesAlike = "classes-alike";

    /// <summary>Classes have no rows on a side of the split.</summary>
    public const string AbsentClasses = "absent-classes";

    /// <summary>The split does not follow production's.</summary>
    public const string SplitKeyNotFollowed = "split-key-not-followed";

    /// <summary>Rare categories are one to the model.</summary>
    public const string CategoriesFolded = "categories-folded";

    /// <summary>Categories differ in letter case, blanks or the way accents are composed only.</summary>
    public const string CategoriesAlike = "categories-alike";

    /// <summary>Numbers far from all others usually stand for a missing value.</summary>
    public const string PlaceholderNumbers = "placeholder-numbers";

    /// <summary>The threshold was chosen on the rows that measure it.</summary>
    public const string ThresholdOnValidation = "threshold-on-validation";

    /// <summary>A candidate could not be trained.</summary>
    public const string CandidateFailed = "candidate-failed";

    /// <summary>A feature all but tells the target.</summary>
    public const string TargetLeak = "target-leak";

    /// <summary>Nothing shows that the model is better than its baseline.</summary>
    public const string NoBetterThanBaseline = "no-better-than-baseline";

    /// <summary>The code that scores quickly does not say what ML.NET says.</summary>
    public const string ScorerDiffers = "scorer-differs";

    /// <summary>A slice names a column that is not there.</summary>
    public const string UnknownSlice = "unknown-slice";

    /// <summary>This run is not compared with production's training rows.</summary>
    public const string NoComparison = "no-comparison";

    /// <summary>Columns have drifted.</summary>
    public const string Drift = "drift";

    /// <summary>A column is read otherwise than production reads it.</summary>
    public const string ReadOtherwise = "read-otherwise";

    /// <summary>The new version and production cannot be told apart.</summary>
    public const string NotToldApart = "not-told-apart";

    /// <summary>It cannot be told which validation rows production was trained on.</summary>
    public const string KnownRowsUntold = "known-rows-untold";

    /// <summary>Validation rows that production was trained on are not compared.</summary>
    public const string KnownRowsLeftOut = "known-rows-left-out";

    /// <summary>SHAP values could not be computed.</summary>
    public const string NoShap = "no-shap";

    /// <summary>No request reached a canary at a step.</summary>
    public const string NoRequests = "no-requests";

    /// <summary>The file was moved to quarantine.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>The file is another one by now and stays where it is.</summary>
    public const string NotQuarantined = "not-quarantined";

    /// <summary>An alert could not be sent.</summary>
    public const string AlertFailed = "alert-failed";

    /// <summary>A scored table has columns of the names that predictions have.</summary>
    public const string NamesTaken = "names-taken";

    /// <summary>Nothing is predicted of rows.</summary>
    public const string NotPredicted = "not-predicted";

    /// <summary>The warnings behind the first fifty, as one.</summary>
    public const string More = "more";
}
