using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Writes the definition that a user would write for a table nobody has described yet.</summary>
public sealed class DefinitionInference(PipelineStorage storage, DuckDb duckDb, PipelineOptions options)
{
    /// <summary>Rows that may be lost to nulls, as a share; columns with more nulls than fit in it are imputed.</summary>
    private const double NullBudget = 0.05;

    /// <summary>Most trees where rows are few enough that more of them take seconds; boosting stops by itself where they tell nothing.</summary>
    private const int TreesOfFew = 300;

    private const long FewRows = 200_000;

    /// <summary>Most slots of all categorical columns together where rows are few, and of one of them.</summary>
    private const int SlotsOfFew = 4_000, CategoriesOfFew = 1_000;

    /// <summary>A column with fewer values than this share is not worth keeping.</summary>
    private const double FewestValues = 0.02;

    /// <param name="known">What is known already: the model's name and target; perhaps the task, whether there is a header, and columns to ignore.</param>
    /// <param name="path">A local CSV or Parquet file.</param>
    /// <param name="cancel">Stops the inference.</param>
    /// <exception cref="InputException">The file cannot be read, or has no such column.</exception>
    public async Task<PipelineDefinition> InferAsync(PipelineDefinition known, string path, CancellationToken cancel)
    {
        using var source = await SourceFile.OpenAsync(path, storage, options, cancel);
        using var scan = await SourceScan.RunAsync(source, options, cancel);
        return Infer(known, await Task.Run(() => Describe(scan, source.Name, known, sample: 0, cancel), cancel));
    }

    /// <summary>
    /// The same, with what there is to be seen of the table; a target that is not known is guessed: the last column that a model can predict.
    /// </summary>
    /// <param name="known">What is known already; an empty target: it is to be guessed.</param>
    /// <param name="path">A local file, or <c>raw/{model}/{file}</c>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">The file cannot be read, or has no such column.</exception>
    public async Task<InferredTable> LookAsync(PipelineDefinition known, string path, CancellationToken cancel)
    {
        const int Sample = 8;
        using var source = await SourceFile.OpenAsync(path, storage, options, cancel);
        using var scan = await SourceScan.RunAsync(source, options, cancel);
        var described = await Task.Run(() => Describe(scan, source.Name, known, Sample, cancel), cancel);
        if (known.Target.Length == 0)
        {
            known = known with { Target = GuessTarget(described.Columns) };
            described = await Task.Run(() => Describe(scan, source.Name, known, Sample, cancel), cancel);
        }
        return new InferredTable(
            Infer(known, described), [.. described.Columns.Zip(described.Values, (column, values) => new InferredColumn(column.Name, column.Kind, values))],
            described.Rows, described.Sample, described.Warnings);
    }

    private static string GuessTarget(IReadOnlyList<DatasetColumn> columns) =>
        (columns.LastOrDefault(column => column.Kind is ColumnKind.Numeric or ColumnKind.Categorical or ColumnKind.Boolean) ?? columns[^1]).Name;

    private static PipelineDefinition Infer(PipelineDefinition known, Described described)
    {
        var (target, ignored) = (known.Target, known.Columns);
        var (columns, rows, values) = described;
        CheckNames(columns, [target, .. ignored.Keys]);

        var shares = columns.Select((column, i) => (column.Name, Share: rows == 0 ? 0 : (double)values[i] / rows))
            .ToDictionary(column => column.Name, column => column.Share, StringComparer.Ordinal);
        var imputed = Imputed(
            columns.Where(column => column.Name != target && !ignored.ContainsKey(column.Name) && shares[column.Name] >= FewestValues), shares);
        var inferred = known with
        {
            Columns = columns.ToDictionary(
                column => column.Name,
                column => described.Write(
                    RuleOf(column, column.Name == target ? 1 : shares[column.Name], ignored.ContainsKey(column.Name), imputed.Contains(column.Name)),
                    column.Name),
                StringComparer.Ordinal),
            Features = new FeatureRules
            {
                MaxCategories = MaxCategories(columns, rows, known),
                DateParts =
                [
                    .. columns.Where(column => column.Kind == ColumnKind.Datetime && column.Name != target)
                        .Where(column => !ignored.ContainsKey(column.Name) && shares[column.Name] >= FewestValues)
                        .Select(column => column.Name),
                ],
            },
            Candidates =
            [
                Boosted(TrainerNames.LightGbm, rows), Boosted(TrainerNames.FastTree, rows), new CandidateSpec { Trainer = TrainerNames.Sdca },
                .. HasFolds(rows, known) ? [Unstopped] : Array.Empty<CandidateSpec>(),
            ],
        };
        var problems = DefinitionRules.ProblemsOf(inferred).ToList();
        return problems.Count == 0 ? inferred : throw new InputException(problems);
    }

    /// <summary>Whether folds of the training rows choose the winner.</summary>
    private static bool HasFolds(long rows, PipelineDefinition known) =>
        known.Train.FoldsOf((long)(rows * (1 - known.Split.Validation - (known.Split.Test ?? 0)))) > 0;

    /// <summary>
    /// Boosting stops by log loss, which of rare classes is best long before their order is: where folds choose the winner, it may be one that did not stop.
    /// </summary>
    private static CandidateSpec Unstopped => new() { Trainer = TrainerNames.LightGbm, EarlyStopping = 0 };

    private static CandidateSpec Boosted(string trainer, long rows) =>
        new CandidateSpec { Trainer = trainer } is var spec && rows < FewRows ? spec with { Trees = TreesOfFew } : spec;

    /// <summary>Where rows are few, a slot for each category costs little, and a linear model learns from it what trees cannot tell by so few rows.</summary>
    private static int MaxCategories(IReadOnlyList<DatasetColumn> columns, long rows, PipelineDefinition known)
    {
        var categorical = columns.Count(column => column.Kind == ColumnKind.Categorical);
        return HasFolds(rows, known) && categorical > 0
            ? Math.Clamp(SlotsOfFew / categorical, known.Features.MaxCategories, Math.Max(known.Features.MaxCategories, CategoriesOfFew))
            : known.Features.MaxCategories;
    }

    private Described Describe(
        SourceScan scan, string name, PipelineDefinition definition, int sample, CancellationToken cancel)
    {
        if (scan.Format == SourceFormat.Parquet)
        {
            using var session = duckDb.Open(cancel);
            var parquet = ParquetTable.Read(session, scan.Path, name, definition, options.Limits);
            var row = session.Rows(
                $"SELECT count(*), {string.Join(", ", parquet.Columns.Select(column => $"count({Sql.Name(column.Name)})"))} FROM ({parquet.SelectSql})")[0];
            var counts = row.Select(value => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
            return new Described(parquet.Columns, counts[0], counts[1..])
            {
                Doubtful = Columns(parquet.Doubts),
                OfGuessedKind = Columns(parquet.Warnings.Where(ReadingWarnings.IsGuessOfKind)),
                Sample = SampleOf(session, parquet, sample),
                Warnings = parquet.Warnings,
            };
        }
        using var csv = new CsvTable(scan, name, definition, options, cancel);
        return new Described(csv.Columns, csv.Rows, csv.Values)
        {
            Placeholders = csv.Placeholders,
            Doubtful = Columns(csv.Doubts),
            OfGuessedKind = Columns(csv.Warnings.Where(ReadingWarnings.IsGuessOfKind)),
            Sample = sample == 0 ? [] : SampleOf(csv, sample, cancel),
            Warnings = csv.Warnings,
        };
    }

    private static HashSet<string> Columns(IEnumerable<Warning> doubts) => doubts.Select(doubt => doubt.Column!).ToHashSet(StringComparer.Ordinal);

    private List<IReadOnlyList<string?>> SampleOf(CsvTable csv, int rows, CancellationToken cancel)
    {
        using var session = duckDb.Open(csv.Columns.Count, cancel);
        return SampleOf(session, csv.Table(), rows);
    }

    /// <summary>The first rows, as they are read.</summary>
    private static List<IReadOnlyList<string?>> SampleOf(DuckDbSession session, RawTable table, int rows) => rows == 0 ? [] :
    [
        .. session.Rows(
            $"SELECT {string.Join(", ", table.Columns.Select(column => $"CAST({Sql.Name(column.Name)} AS VARCHAR)"))} FROM ({table.SelectSql}) LIMIT {rows}")
            .Select(row => (IReadOnlyList<string?>)[.. row.Select(cell => cell as string)]),
    ];

    private static void CheckNames(IReadOnlyList<DatasetColumn> columns, IReadOnlyList<string> wanted)
    {
        var names = columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var problems = wanted.Where(name => !names.Contains(name)).Select(name =>
            $"There is no column '{name}'{NearestName.Question(name, names)} "
            + $"The columns are: {string.Join(", ", columns.Take(30).Select(column => column.Name))}{(columns.Count > 30 ? ", …" : "")}.").ToList();
        if (problems.Count > 0)
        {
            throw new InputException(problems);
        }
    }

    /// <summary>Columns whose nulls would cost too many rows: the fullest columns keep the rule "drop", as far as the budget goes.</summary>
    private static HashSet<string> Imputed(IEnumerable<DatasetColumn> columns, Dictionary<string, double> shares)
    {
        var imputed = new HashSet<string>(StringComparer.Ordinal);
        var lost = 0.0;
        foreach (var column in columns.Where(column => shares[column.Name] < 1).OrderByDescending(column => shares[column.Name]))
        {
            lost += 1 - shares[column.Name];
            if (lost > NullBudget)
            {
                imputed.Add(column.Name);
            }
        }
        return imputed;
    }

    private static ColumnRule RuleOf(DatasetColumn column, double share, bool ignored, bool imputed)
    {
        if (ignored || share < FewestValues)
        {
            return new ColumnRule { Ignore = true };
        }
        var strategy = column.Kind == ColumnKind.Numeric ? ImputeStrategy.Median : ImputeStrategy.MostFrequent;
        var usable = column.Kind is not (ColumnKind.Text or ColumnKind.IdLike);
        return new ColumnRule { Kind = column.Kind, Impute = imputed && usable ? new ImputeRule(strategy) : null, Format = PatternOf(column) };
    }

    /// <summary>How the column is written, where that is not the plain way.</summary>
    private static CellPattern? PatternOf(DatasetColumn column) => (column.Kind, column.Cells) switch
    {
        (ColumnKind.Numeric, { Numbers: not NumberFormat.Point } cells) => (CellPattern)cells.Numbers,
        (ColumnKind.Datetime, { Dates: not DateOrder.Ymd } cells) => CellPattern.Ymd + (int)cells.Dates,
        _ => null,
    };

    /// <summary>What a file holds.</summary>
    /// <param name="Columns">Its columns.</param>
    /// <param name="Rows">Its rows.</param>
    /// <param name="Values">Cells of each column that have a value.</param>
    private sealed record Described(IReadOnlyList<DatasetColumn> Columns, long Rows, IReadOnlyList<long> Values)
    {
        /// <summary>Texts that stand for a missing value, by column.</summary>
        public IReadOnlyDictionary<string, IReadOnlyList<string>> Placeholders { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

        /// <summary>The first rows.</summary>
        public IReadOnlyList<IReadOnlyList<string?>> Sample { get; init; } = [];

        /// <summary>What the user should know of the file.</summary>
        public IReadOnlyList<Warning> Warnings { get; init; } = [];

        /// <summary>Columns whose format is a guess and is written as one: every run that reads them tells of the doubt.</summary>
        public IReadOnlySet<string> Doubtful { get; init; } = new HashSet<string>();

        /// <summary>Columns whose kind is a guess and is written as one.</summary>
        public IReadOnlySet<string> OfGuessedKind { get; init; } = new HashSet<string>();

        /// <summary>What is written down of how a column's cells are read.</summary>
        public ColumnRule Write(ColumnRule rule, string column) => rule with
        {
            Nulls = rule.Ignore ? null : Placeholders.GetValueOrDefault(column),
            // In doubt also what is the plain way: it is there to be seen and changed.
            Format = rule.Format ?? (IsGuess(rule, column) ? CellPattern.Point : null),
            Assumed = IsGuess(rule, column) || (rule is { Kind: not null, Format: null } && OfGuessedKind.Contains(column)),
        };

        private bool IsGuess(ColumnRule rule, string column) => rule.Kind is ColumnKind.Numeric or ColumnKind.Datetime && Doubtful.Contains(column);
    }
}
