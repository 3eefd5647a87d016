using MlOps.Web.Access;

namespace MlOps.Web.Dashboard;

/// <summary>What every page knows beside what it shows.</summary>
/// <param name="Origin">The host's address, as the reader's browser knows it.</param>
/// <param name="Address">Its own path and query, as it can be shared.</param>
/// <param name="Caller">Who looks; null: somebody at an open host.</param>
/// <param name="Role">What they may do: what they may not is not offered.</param>
/// <param name="Antiforgery">What the page's script sends with an action; null where no cookie signs in.</param>
/// <param name="HasEvents">Whether the host can tell a page of changes; else its script looks by itself, and asks for no stream that there is not.</param>
public sealed record PageFrame(string Origin, string Address, string? Caller, RouteRole Role, string? Antiforgery, bool HasEvents)
{
    /// <summary>The same as JSON.</summary>
    public string Twin => Address + (Address.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "format=json";

    public bool IsOperator => Role >= RouteRole.Operator;

    public bool IsAdmin => Role >= RouteRole.Admin;

    /// <summary>The page's path, without its query.</summary>
    public string Path => Address.Split('?', 2)[0];
}
