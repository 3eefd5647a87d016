namespace MlOps.Web.Access;

/// <summary>A key that opens routes; its secret is with whom it was given to alone.</summary>
/// <param name="Id">Part of the key that says which it is: no secret.</param>
/// <param name="Name">Whom or what it is for, as told in the audit trail.</param>
/// <param name="Role">What it may do.</param>
/// <param name="Created">When it was made.</param>
/// <param name="LastUsed">When it was last used, to some minutes; null: never.</param>
public sealed record AccessKey(string Id, string Name, RouteRole Role, DateTimeOffset Created, DateTimeOffset? LastUsed);
