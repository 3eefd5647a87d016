using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>A scalar SQL function written in C#, called once per chunk.</summary>
/// <param name="inputs">One vector per argument.</param>
/// <param name="types">The arguments' types.</param>
/// <param name="output">Where the results go.</param>
/// <param name="rows">Rows of the chunk.</param>
internal delegate void DuckFunctionBody(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows);

/// <summary>SQL functions that a layer above brings to every connection.</summary>
public interface IDuckFunctions
{
    /// <summary>Registers them; called once a database.</summary>
    void Register(DuckDBConnection connection);
}

/// <summary>Registers C# functions with a DuckDB connection.</summary>
internal static unsafe class DuckFunction
{
    /// <summary>Registers a function of exactly <paramref name="parameters"/>; null parameters mean any number of any type.</summary>
    public static void Register(DuckDBConnection connection, string name, DuckDBType[]? parameters, DuckDBType result, DuckFunctionBody body)
    {
        var function = NativeMethods.ScalarFunction.DuckDBCreateScalarFunction();
        try
        {
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetName(function, name);
            if (parameters is null)
            {
                using var any = NativeMethods.LogicalType.DuckDBCreateLogicalType(DuckDBType.Any);
                NativeMethods.ScalarFunction.DuckDBScalarFunctionSetVarargs(function, any);
            }
            foreach (var parameter in parameters ?? [])
            {
                using var type = NativeMethods.LogicalType.DuckDBCreateLogicalType(parameter);
                NativeMethods.ScalarFunction.DuckDBScalarFunctionAddParameter(function, type);
            }
            using var resultType = NativeMethods.LogicalType.DuckDBCreateLogicalType(result);
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetReturnType(function, resultType);
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetSpecialHandling(function);
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetFunction(function, &Invoke);
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetExtraInfo(function, GCHandle.ToIntPtr(GCHandle.Alloc(body)), &Free);
            if (NativeMethods.ScalarFunction.DuckDBRegisterScalarFunction(connection.NativeConnection, function) != DuckDBState.Success)
            {
                throw new InvalidOperationException($"DuckDB does not take the function {name}.");
            }
        }
        finally
        {
            NativeMethods.ScalarFunction.DuckDBDestroyScalarFunction(ref function);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Invoke(IntPtr info, IntPtr chunk, IntPtr output)
    {
        try
        {
            var body = (DuckFunctionBody)GCHandle.FromIntPtr(NativeMethods.ScalarFunction.DuckDBScalarFunctionGetExtraInfo(info)).Target!;
            var data = new DuckDBDataChunk(chunk);
            var rows = (int)NativeMethods.DataChunks.DuckDBDataChunkGetSize(data);
            var columns = (int)NativeMethods.DataChunks.DuckDBDataChunkGetColumnCount(data);
            var inputs = new DuckVector[columns];
            var types = new DuckDBType[columns];
            for (var i = 0; i < columns; i++)
            {
                var vector = NativeMethods.DataChunks.DuckDBDataChunkGetVector(data, i);
                using var type = NativeMethods.Vectors.DuckDBVectorGetColumnType(vector);
                types[i] = NativeMethods.LogicalType.DuckDBGetTypeId(type);
                inputs[i] = new DuckVector(NativeMethods.Vectors.DuckDBVectorGetData(vector), NativeMethods.Vectors.DuckDBVectorGetValidity(vector));
            }
            NativeMethods.Vectors.DuckDBVectorEnsureValidityWritable(output);
            body(inputs, types, new DuckVector(NativeMethods.Vectors.DuckDBVectorGetData(output), NativeMethods.Vectors.DuckDBVectorGetValidity(output)), rows);
        }
#pragma warning disable CA1031 // An exception must not cross into native code; DuckDB raises it as the query's error.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            NativeMethods.ScalarFunction.DuckDBScalarFunctionSetError(info, fault.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(IntPtr body) => GCHandle.FromIntPtr(body).Free();
}
