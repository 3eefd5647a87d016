using System.Globalization;

namespace MlOps.Testing;

/// <summary>How large a test is: small in the test command, larger where an environment variable says so.</summary>
public static class TestSize
{
    /// <summary>Columns of the widest tables.</summary>
    public static int Columns => Of("MLOPS_TEST_COLUMNS", 1000);

    /// <summary>Tables written in a random dialect and ingested.</summary>
    public static int Ingests => Of("MLOPS_TEST_INGESTS", 500);

    /// <summary>Rounds of work whose storage requests fail at random.</summary>
    public static int Faults => Of("MLOPS_TEST_FAULTS", 2);

    /// <summary>How many of a hundred such requests fail.</summary>
    public static int FaultRate => Of("MLOPS_TEST_FAULT_RATE", 5);

    /// <summary>Hostile requests of each kind, made up in memory.</summary>
    public static int Fuzz => Of("MLOPS_TEST_FUZZ", 10_000);

    /// <summary>Hostile files that are ingested, texts and Parquet.</summary>
    public static int FuzzedFiles => Of("MLOPS_TEST_FUZZED_FILES", 500);

    /// <summary>Kills of host and embedded storage at random moments.</summary>
    public static int Kills => Of("MLOPS_TEST_KILLS", 6);

    /// <summary>Kills of worker processes of the durable engine at random moments.</summary>
    public static int WorkerKills => Of("MLOPS_TEST_WORKER_KILLS", 2);

    /// <summary>Seconds for which storage is away.</summary>
    public static int Outage => Of("MLOPS_TEST_OUTAGE", 6);

    /// <summary>Seconds for which versions are promoted under load.</summary>
    public static int Swaps => Of("MLOPS_TEST_SWAPS", 20);

    /// <summary>Where random numbers begin: each time elsewhere, or where an earlier test said that it began.</summary>
    public static int Seed => Of("MLOPS_TEST_SEED", Random.Shared.Next());

    private static int Of(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : usual;
}
