using MlOps.Drift;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

public enum TaskKind
{
    /// <summary>A number.</summary>
    Regression,
    /// <summary>Which of two values.</summary>
    Binary,
    /// <summary>Which of three values or more.</summary>
    Multiclass,
}

public enum ImputeStrategy
{
    Mean,
    Median,
    MostFrequent,
    Constant,
}

/// <summary>What a user declares for one model. Every part but model and target has a default.</summary>
public sealed record PipelineDefinition
{
    /// <summary>So many that their metrics together still fit into one small message of an engine.</summary>
    public const int MostCandidates = 50;

    /// <summary>Most classes that are learnt where nothing is declared: a target of more is seldom one of classes.</summary>
    public const int UsualClasses = 200;

    /// <summary>The probability from which a row is predicted positive where nothing is declared.</summary>
    public const double UsualThreshold = 0.5;

    public required string Model { get; init; }
    public required string Target { get; init; }
    /// <summary>Null: binary when the target has two values, multiclass when it has more and is no number, else regression.</summary>
    public TaskKind? Task { get; init; }
    /// <summary>Most classes of a multiclass target; null: <see cref="UsualClasses"/>.</summary>
    public int? MaxClasses { get; init; }
    /// <summary>The target value that counts as positive (binary); null: the later of the two in sort order.</summary>
    public string? Positive { get; init; }
    /// <summary>Probability at and above which a row is predicted positive (binary).</summary>
    public double Threshold { get; init; } = UsualThreshold;
    /// <summary>The metric that is to be largest by the threshold (binary), in place of a declared one; null: <see cref="Threshold"/> counts.</summary>
    public string? ThresholdMetric { get; init; }
    /// <summary>
    /// How much each row counts in learning: <see cref="RowWeights.Balanced"/>, or the column that says so; null: each the same.
    /// </summary>
    public string? Weights { get; init; }
    public string? Owner { get; init; }
    public string? IntendedUse { get; init; }
    public string? Limits { get; init; }
    /// <summary>Whether the file's first line names the columns; null: found from the file.</summary>
    public bool? Header { get; init; }
    public IReadOnlyDictionary<string, ColumnRule> Columns { get; init; } = new Dictionary<string, ColumnRule>();
    public ExpectRules Expect { get; init; } = new();
    public CleaningRules Cleaning { get; init; } = new();
    public FeatureRules Features { get; init; } = new();
    public SplitRules Split { get; init; } = new();
    public TrainRules Train { get; init; } = new();
    public IReadOnlyList<CandidateSpec> Candidates { get; init; } = [new CandidateSpec { Trainer = TrainerNames.LightGbm }];
    public GateRules Gates { get; init; } = new();
    /// <summary>Columns by whose groups of rows the winner is measured.</summary>
    public IReadOnlyList<string> Slices { get; init; } = [];
    /// <summary>
    /// The raw dataset version that runs read for which nobody names a file: a tag, <c>v3</c>, or an id. Null: the newest raw file.
    /// </summary>
    public string? Data { get; init; }
    public TriggerRules RunOn { get; init; } = new();
    public MonitorRules Monitor { get; init; } = new();
    /// <summary>How a new version is let at the requests, and what is decided by itself between versions that share them.</summary>
    public TrafficRules Traffic { get; init; } = new();

    /// <summary>How drift is judged, by the columns that declare it.</summary>
    public IReadOnlyDictionary<string, DriftRule> DriftRules =>
        Columns.Where(column => column.Value.Drift is not null).ToDictionary(column => column.Key, column => column.Value.Drift!, StringComparer.Ordinal);

    /// <summary>Key of every candidate: its place and trainer, such as <c>0-lightgbm</c>.</summary>
    public IReadOnlyList<string> CandidateKeys => [.. Candidates.Select((candidate, index) => $"{index}-{candidate.Trainer}")];
}

/// <summary>How much rows count in learning.</summary>
public static class RowWeights
{
    /// <summary>
    /// Each class counts the same in all: a row counts <c>rows / (classes · rows of its class)</c> (King and Zeng, Logistic Regression in Rare Events Data,
    /// 2001; scikit-learn's <c>class_weight="balanced"</c>).
    /// </summary>
    public const string Balanced = "balanced";

    /// <summary>The column that a declaration names; null: it names none.</summary>
    public static string? ColumnOf(string? weights) => weights == Balanced ? null : weights;
}

/// <summary>What is declared about one column.</summary>
public sealed record ColumnRule
{
    /// <summary>Null: as sniffed from the data.</summary>
    public ColumnKind? Kind { get; init; }
    /// <summary>True: the column stays in the data but is neither checked nor used.</summary>
    public bool Ignore { get; init; }
    /// <summary>Rows below are dropped.</summary>
    public double? Min { get; init; }
    /// <summary>Rows above are dropped.</summary>
    public double? Max { get; init; }
    /// <summary>Rows with any other value are dropped.</summary>
    public IReadOnlyList<string>? Allowed { get; init; }
    /// <summary>False: a null does not cost the row; the model sees a missing value.</summary>
    public bool Required { get; init; } = true;
    /// <summary>Fills nulls instead of dropping the row.</summary>
    public ImputeRule? Impute { get; init; }
    /// <summary>Which drift test judges the column, and from where; null: the default test and threshold.</summary>
    public DriftRule? Drift { get; init; }
    /// <summary>Texts that mean "no value", beside a blank cell; null: the usual ones of the column's kind.</summary>
    public IReadOnlyList<string>? Nulls { get; init; }
    /// <summary>How its numbers or dates are written; null: found from the whole file.</summary>
    public CellPattern? Format { get; init; }
    /// <summary>
    /// True: the format is a guess. A file that shows how it is written is read as it shows, and one that does not by the guess, which is told. Without a
    /// format the kind is the guess: it holds, and is told where the cells lead to it.
    /// </summary>
    public bool Assumed { get; init; }
    /// <summary>The decimal mark of its numbers; null: found from the whole file.</summary>
    public DecimalMark? Decimal { get; init; }
}

/// <summary>How numbers or dates are written: the <see cref="NumberFormat"/>s and <see cref="DateOrder"/>s under one name.</summary>
public enum CellPattern
{
    Point,
    Comma,
    CommaGroups,
    PointGroups,
    SpaceGroups,
    SpaceGroupsPoint,
    ApostropheGroups,
    Ymd,
    Dmy,
    Mdy,
}

public enum DecimalMark
{
    Point,
    Comma,
}

/// <summary>How nulls of a column are filled; the value is fitted on training rows only.</summary>
/// <param name="Strategy">How the value is found.</param>
/// <param name="Constant">The value itself, for <see cref="ImputeStrategy.Constant"/>.</param>
public sealed record ImputeRule(ImputeStrategy Strategy, string? Constant = null);

/// <summary>What becomes of rows that equal an earlier one in every cell.</summary>
public enum Duplicates
{
    Drop,
    Keep,
}

/// <param name="MaxDropped">Largest share of rows that cleaning may drop, 0 to 1; more stops the run.</param>
/// <param name="Duplicates">What becomes of equal rows; null: they are kept where rows have no id, since then two equal rows may be two things.</param>
public sealed record CleaningRules(double MaxDropped = 0.5, Duplicates? Duplicates = null);

/// <summary>Computed columns.</summary>
public sealed record FeatureRules
{
    /// <summary>Products of two numeric columns, named <c>a_x_b</c>.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Interactions { get; init; } = [];
    /// <summary>Quotients of two numeric columns, named <c>a_per_b</c>; missing where b is 0.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Ratios { get; init; } = [];
    /// <summary>Natural logarithm of 1 + column, named <c>log_a</c>; missing at and below −1.</summary>
    public IReadOnlyList<string> Logs { get; init; } = [];
    /// <summary>Year, month, day, day of week (0 = Sunday), hour of a datetime column, named <c>a_year</c> and so on.</summary>
    public IReadOnlyList<string> DateParts { get; init; } = [];
    /// <summary>Columns that functions of the host compute.</summary>
    public IReadOnlyList<CustomFeature> Custom { get; init; } = [];
    /// <summary>Names of computed columns that must not be skipped when an input column is missing.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];
    /// <summary>Most categories of a column that get a slot of their own; the most frequent ones in training. The rest are "other".</summary>
    public int MaxCategories { get; init; } = 100;
}

/// <summary>A column that a function of the host computes.</summary>
/// <param name="Name">Its name, which no other column has.</param>
/// <param name="Function">Name of the function.</param>
/// <param name="Inputs">Numeric, boolean or datetime columns, in the function's order.</param>
public sealed record CustomFeature(string Name, string Function, IReadOnlyList<string> Inputs);

/// <summary>How rows are divided into train and validation.</summary>
public sealed record SplitRules
{
    /// <summary>Share of test rows in a table that is too large for folds, where nothing else is declared.</summary>
    public const double UsualTest = 0.1;

    /// <summary>Share of validation rows, above 0 and below 1.</summary>
    public double Validation { get; init; } = 0.2;
    /// <summary>
    /// Share of test rows, which nothing is chosen by: with <see cref="Validation"/> below 1; 0: none; null: <see cref="UsualTest"/> of a table that is too
    /// large for folds, else none.
    /// </summary>
    public double? Test { get; init; }
    public long Seed { get; init; } = 42;
    /// <summary>Time-ordered: the latest rows by this column validate; where there are test rows, those are the latest.</summary>
    public string? Time { get; init; }
    /// <summary>All rows with the same value of this column fall on the same side.</summary>
    public string? Group { get; init; }
    /// <summary>Columns whose values decide the side that a row falls on; empty: those that the model, and the one in production, have to do with.</summary>
    public IReadOnlyList<string> Key { get; init; } = [];

    /// <summary>The same where the share of test rows is decided: null are none.</summary>
    /// <param name="rows">The rows that are divided.</param>
    /// <param name="train">Tells which tables are too large for folds: rows that choose the winner cannot say what it is worth, where no fold does.</param>
    public SplitRules For(long rows, TrainRules train) => this with
    {
        Test = Test switch
        {
            null => rows * (1 - Validation) >= train.FoldsBelow && Validation + UsualTest < 1 ? UsualTest : null,
            0 => null,
            _ => Test,
        },
    };
}

/// <summary>How candidates are trained.</summary>
public sealed record TrainRules
{
    /// <summary>Fewer rows are no sample to learn from.</summary>
    public const int FewestSampled = 100;

    /// <summary>
    /// Parts of the training rows of which each is held out once: they choose the winner and the number of trees, and the model learns from all training
    /// rows. 0: none, the validation rows choose.
    /// </summary>
    public int Folds { get; init; } = 5;
    /// <summary>Number of training rows from which there are no folds.</summary>
    public int FoldsBelow { get; init; } = 20_000;

    /// <summary>
    /// Below 1 the share of the training rows that candidates are trained on, from 100 about how many of them: a uniform sample, for tables that are too
    /// large for one machine's memory. Above 0; null: all rows.
    /// </summary>
    public double? Sample { get; init; }

    /// <summary>The share of the training rows that is trained on, above 0 and below 1; null: all.</summary>
    /// <param name="rows">The training rows that there are.</param>
    public double? SampleOf(long rows) => Sample switch
    {
        null => null,
        < 1 => Sample,
        { } wanted => wanted < rows ? wanted / rows : null,
    };

    /// <summary>The folds of a table; 0: none.</summary>
    public int FoldsOf(long rows) => rows < FoldsBelow && Folds > 1 ? Folds : 0;
}

/// <summary>One trainer with its hyper-parameters.</summary>
public sealed record CandidateSpec
{
    /// <summary>Most classes of which one model each is learnt where nothing is declared.</summary>
    public const int UsualClasses = 20;

    /// <summary>Name of the trainer: one of <see cref="TrainerNames"/>, or one that the host has added.</summary>
    public required string Trainer { get; init; }
    /// <summary>Number of trees (boosting rounds).</summary>
    public int Trees { get; init; } = 100;
    /// <summary>Most leaves of a tree.</summary>
    public int Leaves { get; init; } = 31;
    /// <summary>Learning rate of boosted trees, above 0, at most 1.</summary>
    public double Rate { get; init; } = 0.1;
    /// <summary>Fewest training rows in a leaf.</summary>
    public int MinRowsPerLeaf { get; init; } = 20;
    /// <summary>Boosting stops after this many rounds without improvement on rows held out of train; 0 turns it off.</summary>
    public int EarlyStopping { get; init; } = 20;
    /// <summary>L2 regularisation of linear models; null: the trainer's own choice.</summary>
    public double? L2 { get; init; }
    /// <summary>Most passes over the data of linear models; null: the trainer's own choice.</summary>
    public int? Iterations { get; init; }
    /// <summary>
    /// Most minutes that training may take, above 0; null: no limit. Trees are fewer then than declared, as many as fit by the speed of the first
    /// ones; so the model depends on the machine's speed. Not for linear models, which have <see cref="Iterations"/>, nor for trainers of the host.
    /// </summary>
    public double? MaxMinutes { get; init; }
    /// <summary>
    /// FastTree and FastForest learn one model a class: with more classes the candidate is left out, as that takes long and seldom tells. LightGBM and linear
    /// models learn all classes together. Null: <see cref="UsualClasses"/>.
    /// </summary>
    public int? MaxClasses { get; init; }
    /// <summary>What a trainer of the host is told; null: nothing.</summary>
    public ExtensionOptions? Options { get; init; }
}

public enum DriftGate
{
    Block,
    Warn,
    Ignore,
}

/// <summary>What must hold before promotion.</summary>
public sealed record GateRules
{
    /// <summary>The metric that decides; null: rmse for regression, auc for binary, log_loss for multiclass.</summary>
    public string? Metric { get; init; }
    /// <summary>The validation metric must not be above this.</summary>
    public double? AtMost { get; init; }
    /// <summary>The validation metric must not be below this.</summary>
    public double? AtLeast { get; init; }
    /// <summary>How much better than production the candidate must be, in the metric's unit.</summary>
    public double BetterBy { get; init; }
    /// <summary>Probability, such as 0.95, that the candidate must be better than production with, as far as the common rows tell; null: the better one
    /// of the two is promoted.</summary>
    public double? Significance { get; init; }
    /// <summary>How well intervals of 0.9 must hold; null: whatever.</summary>
    public IntervalGate? Interval { get; init; }
    /// <summary>What must hold of each group of rows; null: nothing.</summary>
    public SliceGate? Slices { get; init; }
    public DriftGate Drift { get; init; } = DriftGate.Warn;
    /// <summary>Share of drifted columns from which the data set counts as drifted.</summary>
    public double DriftShare { get; init; } = 0.5;
    public ApprovalRule Approval { get; init; } = new();
    /// <summary>Checks of the host that must pass.</summary>
    public IReadOnlyList<CheckRule> Checks { get; init; } = [];
}

/// <param name="CoverageAtLeast">Share of rows that intervals of 0.9 hold; null: any.</param>
/// <param name="WidthAtMost">How wide they are on average, in the target's unit; for classes, how many labels they have. Null: any.</param>
public sealed record IntervalGate(double? CoverageAtLeast = null, double? WidthAtMost = null);

/// <param name="AtMost">The deciding metric of no group may be above this; null: any.</param>
/// <param name="AtLeast">The deciding metric of no group may be below this; null: any.</param>
/// <param name="EqualizedOddsAtMost">Binary: by how much true and false positive rates of groups may differ; null: any.</param>
public sealed record SliceGate(double? AtMost = null, double? AtLeast = null, double? EqualizedOddsAtMost = null);

/// <param name="Check">Name of a check that the host has added.</param>
/// <param name="Options">What it is told; null: nothing.</param>
public sealed record CheckRule(string Check, ExtensionOptions? Options = null);

/// <param name="Required">A person must approve before promotion.</param>
/// <param name="Timeout">How long to wait; null: one day. Then the candidate counts as rejected.</param>
public sealed record ApprovalRule(bool Required = false, TimeSpan? Timeout = null);

/// <summary>What a run does while an earlier one of its model has not ended.</summary>
public enum Overlap
{
    /// <summary>It waits: runs of a model go one after another.</summary>
    Queue,
    /// <summary>It ends as cancelled and has done nothing.</summary>
    Skip,
    /// <summary>It goes on beside the other.</summary>
    Parallel,
}

/// <summary>What starts a run by itself, and what it does beside others.</summary>
/// <param name="Schedule">Cron expression with seconds, in UTC.</param>
/// <param name="NewFile">A new file in <c>raw/{model}/</c> is trained on; it is ingested in any case.</param>
/// <param name="Overlap">What a run does, however it was started, while an earlier one of the model has not ended.</param>
/// <param name="Drift">Live rows that have drifted start a run on the newest file in <c>raw/{model}/</c>, or on what <c>data</c> pins.</param>
public sealed record TriggerRules(string? Schedule = null, bool NewFile = false, Overlap Overlap = Overlap.Queue, bool Drift = false)
{
    /// <summary>Most rows that may be waited for.</summary>
    public const long MostRows = 1_000_000_000_000;

    public static TimeSpan LeastCoolDown { get; } = TimeSpan.FromMinutes(1);

    public static TimeSpan MostCoolDown { get; } = TimeSpan.FromDays(365);

    /// <summary>A warning of the performance of live rows, measured or estimated, starts a run.</summary>
    public bool Decay { get; init; }
    /// <summary>Rows of raw dataset versions that have come since the last run that trains; so many start one. Null: none do.</summary>
    public long? Rows { get; init; }
    /// <summary>Least time between a run that drift, decay or rows have started and the next such; null: none.</summary>
    public TimeSpan? CoolDown { get; init; }
    /// <summary>Most runs that drift, decay and rows start within 24 hours; null: any number.</summary>
    public int? PerDay { get; init; }
}

/// <summary>What is watched of a model that serves.</summary>
public sealed record MonitorRules
{
    /// <summary>Fewest time between two checks: hosts look once a minute.</summary>
    public static TimeSpan LeastEvery { get; } = TimeSpan.FromMinutes(1);

    /// <summary>Most time between two checks, and the farthest that a check looks back.</summary>
    public static TimeSpan MostEvery { get; } = TimeSpan.FromDays(1);

    /// <summary>Most rows that a check reads: the newest ones.</summary>
    public const int MostRows = 100_000;

    /// <summary>Keep the rows that are predicted, and the predictions.</summary>
    public bool Log { get; init; } = true;
    /// <summary>Compare the kept rows with what the production version was trained on.</summary>
    public bool Drift { get; init; } = true;
    /// <summary>Time between two checks.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromHours(1);
    /// <summary>Fewest rows that say something: with fewer, a check waits for more.</summary>
    public int MinRows { get; init; } = 500;
    /// <summary>Rows after which a check comes; null: <see cref="Every"/> decides.</summary>
    public int? Rows { get; init; }
    /// <summary>What is watched beside the drift of features.</summary>
    public SignalRules Signals { get; init; } = new();
    /// <summary>Share of the rows that is kept, above 0 and up to 1: all rows of a key, or none. Null: 1, all of them.</summary>
    public double? Sample { get; init; }
}
