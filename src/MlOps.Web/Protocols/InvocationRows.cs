using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>Makes rows of what a body of MLflow's scoring has.</summary>
/// <param name="contract">What the version takes.</param>
/// <param name="rows">Takes the rows.</param>
internal sealed class InvocationRows(ModelContract contract, RowsBuilder rows)
{
    /// <exception cref="BadHttpRequestException">It has not the shape that its key says.</exception>
    /// <exception cref="InputException">It has another shape than the model's inputs.</exception>
    public void Add(Invocation invocation)
    {
        var data = invocation.Data;
        switch (invocation.Format)
        {
            case InvocationFormat.DataframeSplit:
                AddSplit(data);
                break;
            case InvocationFormat.DataframeRecords:
                AddRecords(ArrayOf(data, "dataframe_records"), "dataframe_records");
                break;
            case InvocationFormat.Inputs when data.ValueKind == JsonValueKind.Object:
                AddColumns(data);
                break;
            default:
                AddTensor(data, invocation.Format == InvocationFormat.Inputs ? "inputs" : "instances");
                break;
        }
    }

    private static IReadOnlyList<JsonElement> ArrayOf(JsonElement value, string what) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray()]
        : throw new BadHttpRequestException($"{what} must be an array.");

    private void AddSplit(JsonElement split)
    {
        if (split.ValueKind != JsonValueKind.Object || !split.TryGetProperty("columns", out var named) || !split.TryGetProperty("data", out var cells))
        {
            throw new BadHttpRequestException("dataframe_split must be an object with 'columns' and 'data', as DataFrame.to_dict(orient=\"split\") gives it.");
        }
        var columns = ArrayOf(named, "dataframe_split.columns")
            .Select(column => column.ValueKind == JsonValueKind.String ? column.GetString()! : column.GetRawText()).ToList();
        var kept = columns.Select(ColumnChoice.Of(columns, contract)).ToList();
        foreach (var (row, index) in ArrayOf(cells, "dataframe_split.data").Select((row, index) => (row, index)))
        {
            var values = ArrayOf(row, $"dataframe_split.data[{index}]");
            if (values.Count != columns.Count)
            {
                throw new BadHttpRequestException(
                    $"dataframe_split.data[{index}] has {Warning.Counted(values.Count, "cell")} for {Warning.Counted(columns.Count, "column")}.");
            }
            Add(Enumerable.Range(0, columns.Count).Where(i => kept[i]).Select(i => (columns[i], values[i])));
        }
    }

    private void AddRecords(IReadOnlyList<JsonElement> records, string what)
    {
        for (var i = 0; i < records.Count; i++)
        {
            if (records[i].ValueKind != JsonValueKind.Object)
            {
                throw new BadHttpRequestException($"{what}[{i}] must be an object of column names and values, as the others.");
            }
            var cells = records[i].EnumerateObject().Select(member => (member.Name, member.Value)).ToList();
            var kept = ColumnChoice.Of(cells.Select(cell => cell.Name), contract);
            Add(cells.Where(cell => kept(cell.Name)));
        }
    }

    /// <summary>Arrays of cells by their columns, or one cell of each.</summary>
    private void AddColumns(JsonElement inputs)
    {
        var columns = inputs.EnumerateObject().Select(member => (member.Name, member.Value)).ToList();
        if (columns.Count > 0 && columns.All(column => column.Value.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object)))
        {
            AddRecords([inputs], "inputs");
            return;
        }
        var cells = columns.Select(column => (column.Name, Cells: CellsOf(column.Value, $"inputs.{column.Name}"))).ToList();
        if (cells.Select(column => column.Cells.Count).Distinct().Count() > 1)
        {
            throw new BadHttpRequestException(
                $"The arrays of inputs have different lengths: {string.Join(", ", cells.Take(20).Select(column => $"{column.Name} {column.Cells.Count}"))}.");
        }
        var kept = ColumnChoice.Of(columns.Select(column => column.Name), contract);
        for (var i = 0; i < (cells.Count == 0 ? 0 : cells[0].Cells.Count); i++)
        {
            Add(cells.Where(column => kept(column.Name)).Select(column => (column.Name, column.Cells[i])));
        }
    }

    /// <summary>An array of records, of rows whose cells stand in the order of the signature, or of the cells of a model's only input.</summary>
    private void AddTensor(JsonElement tensor, string what)
    {
        var items = ArrayOf(tensor, what);
        if (items.Count > 0 && items[0].ValueKind == JsonValueKind.Object)
        {
            AddRecords(items, what);
            return;
        }
        var inputs = contract.Signature.Inputs;
        if (items.Count > 0 && inputs.Count > 1 && !contract.IsAllNumeric)
        {
            throw new InputException(
                $"{what} has cells without names, but not every input of this model is a number: send records, as [{{\"{inputs[0].Name}\": …}}, …].");
        }
        for (var i = 0; i < items.Count; i++)
        {
            var cells = items[i].ValueKind == JsonValueKind.Array ? items[i].EnumerateArray().ToList() : [items[i]];
            if (cells.Count != inputs.Count)
            {
                throw new InputException(
                    $"{what}[{i}] has {Warning.Counted(cells.Count, "cell")}; the model has {Warning.Counted(inputs.Count, "input")}, in this order: "
                        + $"{string.Join(", ", inputs.Take(50).Select(input => input.Name))}.");
            }
            Add(inputs.Zip(cells, (input, cell) => (input.Name, cell)));
        }
    }

    /// <summary>A column's cells; each may stand in an array of its own.</summary>
    private static IReadOnlyList<JsonElement> CellsOf(JsonElement column, string what) =>
        [.. ArrayOf(column, what).Select(cell => cell.ValueKind == JsonValueKind.Array && cell.GetArrayLength() == 1 ? cell[0] : cell)];

    private void Add(IEnumerable<(string Column, JsonElement Cell)> cells)
    {
        rows.Begin();
        foreach (var (column, cell) in cells)
        {
            rows.Add(column, cell);
        }
        rows.End();
    }
}
