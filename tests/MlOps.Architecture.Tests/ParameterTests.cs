using System.Reflection;
using System.Runtime.CompilerServices;

namespace MlOps.Architecture.Tests;

public sealed class ParameterTests
{
    private const int Most = 8;

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    public static TheoryData<string> Projects => [.. House.Floors.Select(floor => floor.Project)];

    /// <summary>Records are what long lists become; what a compiler makes (of records, lambdas, native entry points) nobody calls by hand.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void Nothing_takes_more_than_eight_parameters_but_a_record(string project)
    {
        var types = Assembly.Load(project).GetTypes().Where(type => type.Namespace?.StartsWith("MlOps.", StringComparison.Ordinal) == true).ToList();

        types.Should().NotBeEmpty();
        types.Where(type => !IsMade(type) && !IsRecord(type))
            .SelectMany(type => type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)))
            .Where(method => !IsMade(method) && method.GetParameters().Length > Most)
            .Select(method => $"{method.DeclaringType!.FullName}.{method.Name}").Should().BeEmpty();
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$", Declared) is not null;

    private static bool IsMade(MemberInfo member) =>
        member.Name.Contains('<', StringComparison.Ordinal) || member.IsDefined(typeof(CompilerGeneratedAttribute))
        || (member.DeclaringType is { } outer && IsMade(outer));
}
