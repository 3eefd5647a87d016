using System.Net;
using System.Security.Cryptography;
using MlOps.Local.Storage;
using MlOps.Pipeline.Contracts;
using MlOps.Web.Access;

namespace MlOps.Local.Hosting;

/// <summary>Whom a local host lets in: on this machine whoever sits at it, on a network who has a key or a token.</summary>
internal sealed class HostAccess(AccessOptions access, AccessKeyStore keys)
{
    private const int MachineKeyBytes = 32;

    /// <exception cref="EnvironmentProblemException">A setting is wrong.</exception>
    public static AccessOptions Options(HostSettings settings, IConfiguration configuration)
    {
        AccessOptions access;
        try
        {
            access = AccessSettings.Read(configuration);
        }
        catch (InputException wrong)
        {
            throw new EnvironmentProblemException(wrong.Message, wrong);
        }
        if (IPAddress.IsLoopback(settings.Listen))
        {
            return access with { IsOpen = true, OwnNamesOnly = true };
        }
        return settings.Insecure || access.IsOpen
            ? access with { IsOpen = true }
            : access with { MachineKey = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(MachineKeyBytes)) };
    }

    /// <exception cref="EnvironmentProblemException">Nobody could come in.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        if (!access.IsOpen && !access.HasWayIn && await keys.ListAsync(cancel) is [])
        {
            throw new EnvironmentProblemException(
                "With --listen on a network callers need a key, and there is none: make one with 'mlops keys add NAME --role admin' on the same --data or "
                    + "--storage, set Access__AdminKey, or set Access__Entra__ClientId and Access__Entra__TenantId. "
                    + "--insecure lets everybody in, to do everything.");
        }
    }
}
