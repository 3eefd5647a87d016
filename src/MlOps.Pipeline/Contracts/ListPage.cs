namespace MlOps.Pipeline.Contracts;

/// <summary>A part of a list.</summary>
/// <param name="Items">In the list's order.</param>
/// <param name="Next">Where the list goes on, for who asks again; null at its end.</param>
public sealed record ListPage<T>(IReadOnlyList<T> Items, string? Next)
{
    public ListPage<TOther> Select<TOther>(Func<T, TOther> change) => new([.. Items.Select(change)], Next);
}
