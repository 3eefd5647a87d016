namespace MlOps.Architecture.Tests;

/// <summary>Arrows point one way, between projects and between the folders of each.</summary>
public sealed class HouseTests
{
    public static TheoryData<string> Projects => [.. House.Floors.Select(floor => floor.Project)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_the_projects_below_it(string project)
    {
        var floor = FloorOf(project);
        var own = House.Floors.Select(other => other.Project).ToHashSet(StringComparer.Ordinal);
        Arrows(arrow => arrow.From.Project == project && arrow.To.Project != project && own.Contains(arrow.To.Project) && !floor.May.Contains(arrow.To.Project))
            .Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_folder_uses_none_above_it(string project)
    {
        var floor = FloorOf(project);
        Arrows(arrow => arrow.From.Project == project && arrow.To.Project == project && floor.LevelOf(arrow.From.Folder) < floor.LevelOf(arrow.To.Folder))
            .Should().BeEmpty();
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Every_folder_has_its_place_in_the_order(string project)
    {
        var floor = FloorOf(project);
        House.Arrows.Where(arrow => arrow.From.Project == project && IsWithin(arrow.From.Folder, project) && floor.LevelOf(arrow.From.Folder) is null)
            .Select(arrow => arrow.From.Folder).Distinct().Should().BeEmpty();
    }

    /// <summary>What the compiler leaves no trace of counts too: constants, and references in comments.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void A_file_imports_no_folder_above_its_own(string project)
    {
        var floor = FloorOf(project);
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Documentation())!, "..", "src", project));
        var imports = from folder in floor.Folders
                      from file in Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories)
                      from line in File.ReadLines(file)
                      where line.StartsWith($"using {project}.", StringComparison.Ordinal)
                      let used = line["using ".Length..].TrimEnd(';')
                      where floor.LevelOf(used) > floor.LevelOf($"{project}.{folder}")
                      select $"{Path.GetRelativePath(root, file)} → {used}";

        imports.Should().BeEmpty();
    }

    /// <summary>Folders within folders too, at any depth.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void No_folders_use_each_other_in_a_circle(string project)
    {
        var uses = House.Arrows.Where(arrow => arrow.From.Project == project && arrow.To.Project == project && arrow.From.Folder != arrow.To.Folder)
            .GroupBy(arrow => arrow.From.Folder)
                .ToDictionary(group => group.Key, group => group.Select(arrow => arrow.To.Folder).ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
        var circles = uses.Keys.Where(folder => Reached(uses, folder).Contains(folder)).Order(StringComparer.Ordinal).ToList();
        circles.Should().BeEmpty(
            "of the arrows between them: {0}",
            string.Join(
                "; ",
                House.Arrows.Where(arrow => arrow.From.Folder != arrow.To.Folder && circles.Contains(arrow.From.Folder) && circles.Contains(arrow.To.Folder))
                    .Distinct().Take(40)));
    }

    [Theory]
    [InlineData("MlOps.Explain", "Microsoft.ML", "Azure", "DuckDB", "Microsoft.AspNetCore")]
    [InlineData("MlOps.Explain.MLNet", "Azure", "DuckDB", "Microsoft.AspNetCore")]
    [InlineData("MlOps.Drift", "Microsoft.ML", "Azure", "DuckDB", "Microsoft.AspNetCore")]
    // Reports are rendered from components, which need no HTTP.
    [InlineData(
        "MlOps.Pipeline",
        "Microsoft.AspNetCore.Http", "Microsoft.AspNetCore.Builder", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Routing",
        "Microsoft.AspNetCore.Mvc")]
    [InlineData("MlOps.Serving", "Microsoft.AspNetCore")]
    [InlineData("MlOps.Web", "Microsoft.Azure.Functions", "Microsoft.DurableTask")]
    public void A_project_knows_nothing_of(string project, params string[] namespaces) =>
        Arrows(arrow => arrow.From.Project == project && namespaces.Any(name => IsWithin(arrow.To.Folder, name))).Should().BeEmpty();

    [Fact]
    public void The_arrows_that_are_meant_are_seen()
    {
        // In the body of an asynchronous method, in a closure, in a signature, across projects.
        Arrows(arrow => arrow.From.Type.Contains(
            "TrainingPipeline", StringComparison.Ordinal) && arrow.To.Type.EndsWith(".PromoteInput", StringComparison.Ordinal)).Should().NotBeEmpty();
        Arrows(arrow => IsWithin(arrow.From.Folder, "MlOps.Pipeline.Stages") && IsWithin(arrow.To.Folder, "MlOps.Pipeline.Reports")).Should().NotBeEmpty();
        Arrows(arrow => arrow.From.Project == "MlOps.Web" && IsWithin(arrow.To.Folder, "Microsoft.AspNetCore.Http")).Should().NotBeEmpty();
        (string, string)[] across =
        [
            ("MlOps.Pipeline", "MlOps.Explain"), ("MlOps.Serving", "MlOps.Pipeline"), ("MlOps.Web", "MlOps.Serving"), ("MlOps.Local", "MlOps.Web"),
            ("MlOps.Functions", "MlOps.Web"),
        ];
        foreach (var (from, to) in across)
        {
            Arrows(arrow => arrow.From.Project == from && arrow.To.Project == to).Should().NotBeEmpty();
        }
    }

    [Fact]
    public void The_documentation_shows_the_same_order()
    {
        var rows = File.ReadAllLines(Documentation()).Where(line => line.StartsWith("| MlOps.", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split(" | "));

        rows.Select(row => (Project: row[0], Folders: row[1])).Should().Equal(
            House.Floors.Where(floor => floor.Folders.Count > 0).Select(floor => (floor.Project, string.Join(", ", floor.Folders))));
    }

    private static string Documentation([System.Runtime.CompilerServices.CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../../docs/architecture.md"));

    private static Floor FloorOf(string project) => House.Floors.Single(floor => floor.Project == project);

    private static IReadOnlyList<string> Arrows(Func<Arrow, bool> which) => [.. House.Arrows.Where(which).Select(arrow => arrow.ToString()).Distinct()];

    private static bool IsWithin(string name, string parent) => name == parent || name.StartsWith(parent + ".", StringComparison.Ordinal);

    private static HashSet<string> Reached(Dictionary<string, HashSet<string>> uses, string start)
    {
        var reached = new HashSet<string>(StringComparer.Ordinal);
        var next = new Stack<string>([start]);
        while (next.TryPop(out var folder))
        {
            foreach (var used in uses.GetValueOrDefault(folder) ?? [])
            {
                if (reached.Add(used))
                {
                    next.Push(used);
                }
            }
        }
        return reached;
    }
}
