using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MlOps.Web.Access;

/// <summary>Lets in who has a key, and tells all others what to do.</summary>
internal sealed class KeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder, KeyRing keys, AccessOptions access)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (PresentedKey.Find(Request, access) is not { } text)
        {
            return AuthenticateResult.NoResult();
        }
        return await keys.FindAsync(text, Context.RequestAborted) is { } bearer
            ? AuthenticateResult.Success(new AuthenticationTicket(bearer.Principal, Scheme.Name))
            : AuthenticateResult.Fail("This is no key, or it has been revoked.");
    }

    /// <summary>A person in a browser is led to the page where one signs in; a program gets 401.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (HttpMethods.IsGet(Request.Method)
            && Request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase)))
        {
            Response.Redirect(SignInApi.UrlFor(Request.PathBase + Request.Path + Request.QueryString));
            return Task.CompletedTask;
        }
        Response.Headers.WWWAuthenticate = "Bearer realm=\"mlops\"";
        return base.HandleChallengeAsync(properties);
    }
}
