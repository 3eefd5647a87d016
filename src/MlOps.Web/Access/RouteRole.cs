namespace MlOps.Web.Access;

/// <summary>Who may call a route; each may do what those before it may.</summary>
public enum RouteRole
{
    /// <summary>Anybody.</summary>
    Anonymous,
    /// <summary>Who looks, and who asks for predictions.</summary>
    Reader,
    /// <summary>Who starts and stops runs.</summary>
    Operator,
    /// <summary>Who decides what serves, and what runs are made of.</summary>
    Admin,
}
