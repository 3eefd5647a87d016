using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using MlOps.Bench.Shap;
using MlOps.Explain;

// Shap FOLDER THREADS: reads what model.py wrote, times our TreeSHAP on 10,000 rows, writes values.f64 for model.py to compare.
const int Rows = 10_000;
const int Repeats = 3;
var folder = args[0];
var threads = int.Parse(args[1], CultureInfo.InvariantCulture);
using var json = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "model.json")));
var features = json.RootElement.GetProperty("features").GetInt32();
var (ensemble, covers) = XgboostTrees.Read(json.RootElement);
var rows = MemoryMarshal.Cast<byte, float>(await File.ReadAllBytesAsync(Path.Combine(folder, "rows.f32"))).ToArray();

var seconds = new List<double>();
double[] values = [];
var expected = 0.0;
for (var repeat = 0; repeat < Repeats; repeat++)
{
    // Paths and tables are made anew each time: they belong to the work.
    var start = Stopwatch.GetTimestamp();
    var shap = new TreeShap(LeafPaths.Of(ensemble, covers), [.. Enumerable.Range(0, features)]);
    values = shap.Explain(Rows, (from, count, into) => rows.AsSpan(from * features, count * features).CopyTo(into), threads, CancellationToken.None);
    expected = shap.ExpectedValue;
    seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
}

await using (var file = new BinaryWriter(File.Create(Path.Combine(folder, "values.f64"))))
{
    for (var row = 0; row < Rows; row++)
    {
        file.Write(MemoryMarshal.AsBytes(values.AsSpan(row * features, features)));
        file.Write(expected);
    }
}
Console.WriteLine(JsonSerializer.Serialize(
    new { program = "ours", threads, rows = Rows, seconds = Math.Round(seconds.Min(), 4), rows_per_s = Math.Round(Rows / seconds.Min()) }));
