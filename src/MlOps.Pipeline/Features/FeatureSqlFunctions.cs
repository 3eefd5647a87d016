using System.Runtime.CompilerServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Features;

/// <summary>What features bring to SQL: their computations, and the reading of cells.</summary>
public sealed class FeatureSqlFunctions(FeatureFunctions functions) : IDuckFunctions
{
    public void Register(DuckDBConnection connection)
    {
        foreach (var function in BuiltInFunctions.All)
        {
            Register(connection, function, version: null);
        }
        foreach (var function in functions.Added)
        {
            Register(connection, function, function.Version);
        }
        CellSql.Register(connection);
    }

    private static void Register(DuckDBConnection connection, IFeatureFunction function, string? version)
    {
        var parameters = Enumerable.Repeat(DuckDBType.Double, FeatureSql.ParametersOf(function.Inputs)).ToArray();
        DuckFunction.Register(
            connection, FeatureSql.NameOf(function.Name, version), parameters, DuckDBType.Double, (inputs, _, output, rows) =>
                Compute(function, inputs[..function.Inputs], output, rows));
    }

    private static double Evaluate(IFeatureFunction function, ReadOnlySpan<double> row)
    {
        try
        {
            return FeatureFunctions.Evaluate(function, row);
        }
        catch (Exception fault)
        {
            // Of an exception, DuckDB keeps the message only.
            throw new InvalidOperationException($"The feature function '{function.Name}' failed: {fault.Message}", fault);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(IFeatureFunction function, ReadOnlySpan<DuckVector> inputs, DuckVector output, int rows)
    {
        var results = output.Values<double>(rows);
        var row = inputs.Length <= 16 ? stackalloc double[inputs.Length] : new double[inputs.Length];
        for (var i = 0; i < rows; i++)
        {
            for (var input = 0; input < row.Length; input++)
            {
                row[input] = inputs[input].IsNull(i) ? double.NaN : inputs[input].Values<double>(rows)[i];
            }
            results[i] = Evaluate(function, row);
            if (double.IsNaN(results[i]))
            {
                output.SetNull(i);
            }
        }
    }
}
