// Runs within a program that is measured, as it stands (DOTNET_STARTUP_HOOKS): notes in a file, ten times a second, how many bytes it has allocated.
internal static class StartupHook
{
    private const string Variable = "BENCH_ALLOCATED";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } path)
        {
            return;
        }
        // What the program starts is not measured.
        Environment.SetEnvironmentVariable(Variable, null);
        new Thread(() => Note(path)) { IsBackground = true, Name = "allocations" }.Start();
    }

    private static void Note(string path)
    {
        while (true)
        {
            File.WriteAllText(path + ".new", $"{GC.GetTotalAllocatedBytes()}");
            File.Move(path + ".new", path, overwrite: true);
            Thread.Sleep(100);
        }
    }
}
