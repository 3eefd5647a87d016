using System.Globalization;

namespace MlOps.Testing;

/// <summary>How large a test is: small in the test command, larger where an environment variable says so.</summary>
public static class TestSize
{
    /// <summary>Columns of the widest tables.</summary>
    public static int Columns => Of("MLOPS_TEST_COLUMNS", 1000);

    /// <summary>Tables written in a random dialect and ingested.</summary>
    public static int Ingests => Of("MLOPS_TEST_INGESTS", 500);

    /// <summary>Kills of host and embedded storage at random moments.</summary>
    public static int Kills => Of("MLOPS_TEST_KILLS", 6);

    private static int Of(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : usual;
}
