using System.Text;

namespace MlOps.Serving.Lineage;

/// <summary>What something comes from, and what comes from it.</summary>
/// <param name="Nodes">
/// Files, dataset versions, runs, model versions, hours of predictions; each once. Where not all are shown, how many more there are.
/// </param>
/// <param name="Edges">From what to what.</param>
public sealed record LineageGraph(IReadOnlyList<LineageNode> Nodes, IReadOnlyList<LineageEdge> Edges)
{
    /// <summary>The same as a Mermaid flowchart.</summary>
    public string ToMermaid()
    {
        var text = new StringBuilder("flowchart LR\n");
        var numbers = Nodes.Select((node, i) => (node.Id, i)).ToDictionary(node => node.Id, node => node.i, StringComparer.Ordinal);
        foreach (var node in Nodes)
        {
            var (open, close) = node.Kind switch
            {
                LineageKind.File => ("[/", "/]"),
                LineageKind.Dataset => ("[(", ")]"),
                LineageKind.Run => ("[[", "]]"),
                LineageKind.Version => ("{{", "}}"),
                LineageKind.More => ("(", ")"),
                _ => ("([", "])"),
            };
            text.Append($"  n{numbers[node.Id]}{open}\"{Escape(node.Label)}\"{close}\n");
        }
        foreach (var edge in Edges)
        {
            text.Append($"  n{numbers[edge.From]} -->|{edge.Word}| n{numbers[edge.To]}\n");
        }
        return text.ToString();
    }

    // A file is called what it is called: no name may end a label, or be markup where the chart is shown.
    private static string Escape(string label)
    {
        var text = new StringBuilder();
        foreach (var c in label)
        {
            _ = char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '-' or '_' or '/' or ':' or ',' || char.IsLetter(c)
                ? text.Append(c)
                : text.Append($"#{(int)c};");
        }
        return text.ToString();
    }
}

public enum LineageKind
{
    /// <summary>A raw file.</summary>
    File,
    Dataset,
    Run,
    /// <summary>A model version.</summary>
    Version,
    /// <summary>An hour of logged predictions.</summary>
    Predictions,
    /// <summary>How many there are beside those that are shown.</summary>
    More,
}

/// <param name="Id">Unique in the graph: the kind and what it is asked by, such as <c>run/{id}</c>; of <see cref="LineageKind.More"/>, beside what.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Label">For people.</param>
public sealed record LineageNode(string Id, LineageKind Kind, string Label);

/// <param name="From">A node's id.</param>
/// <param name="To">A node's id.</param>
/// <param name="Word">What happened between them.</param>
public sealed record LineageEdge(string From, string To, string Word);
