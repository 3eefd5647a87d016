using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Access;

/// <summary>
/// Says whose a key is. Keys of storage are remembered for <see cref="FreshFor"/>; while storage is away those that were seen are taken on, as
/// loaded models go on predicting.
/// </summary>
public sealed partial class KeyRing(AccessKeyStore store, AccessOptions options, TimeProvider time, ILogger<KeyRing> logger)
{
    /// <summary>How long after it was revoked a key may still open a host that has just seen it.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(10);

    /// <summary>When one request looks again, while the others take what is known.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(8);

    /// <summary>Storage's own retries take far longer: no prediction waits for them.</summary>
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan UseIsToldEvery = TimeSpan.FromMinutes(5);

    /// <summary>No id of a key in storage begins so.</summary>
    private const string OwnPrefix = "setting:";

    /// <summary>Who tries ids at random must not fill the memory.</summary>
    private const int MostRemembered = 10_000;

    private readonly IReadOnlyList<StoredKey> own =
        [.. Own("deployment", options.AdminKey, time), .. Own("this machine", options.MachineKey, time)];
    private readonly ConcurrentDictionary<string, Remembered> seen = new(StringComparer.Ordinal);

    /// <summary>Name and role of a key's bearer; null when it is no key, or revoked.</summary>
    public async ValueTask<Bearer?> FindAsync(string text, CancellationToken cancel)
    {
        var hash = AccessKeyText.Hash(text);
        foreach (var key in own)
        {
            if (key.IsOf(hash))
            {
                return key.Bearer;
            }
        }
        return AccessKeyText.IdOf(text) is { } id && await FindByIdAsync(id, cancel) is { } stored && stored.IsOf(hash) ? Used(stored) : null;
    }

    /// <summary>Name and role of the key that a cookie was given for; null when it has been revoked.</summary>
    public async ValueTask<Bearer?> FindSignedInAsync(string keyId, CancellationToken cancel)
    {
        if (keyId.StartsWith(OwnPrefix, StringComparison.Ordinal))
        {
            return own.FirstOrDefault(key => key.Key.Id == keyId) is { } kept ? kept.Bearer : null;
        }
        return await FindByIdAsync(keyId, cancel) is { } stored ? Used(stored) : null;
    }

    private async ValueTask<StoredKey?> FindByIdAsync(string id, CancellationToken cancel)
    {
        // Not by the time of day: a clock that is set back must not keep a revoked key open.
        var now = time.GetTimestamp();
        var known = seen.GetValueOrDefault(id);
        if (known is not null && (time.GetElapsedTime(known.At, now) < LookAgainAfter || !seen.TryUpdate(id, known with { At = now }, known)))
        {
            return known.Key;
        }
        using var look = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (known is { Key: not null })
        {
            look.CancelAfter(LongestLook);
        }
        try
        {
            var key = await store.FindAsync(id, look.Token);
            if (seen.Count >= MostRemembered)
            {
                seen.Clear();
            }
            seen[id] = new Remembered(key, now) { UseTold = known?.UseTold ?? key?.Key.LastUsed ?? default };
            return key;
        }
        catch (Exception away) when (known is { Key: not null } && !cancel.IsCancellationRequested
            && (look.IsCancellationRequested || TransientFaults.IsTransient(away)))
        {
            return known.Key;
        }
    }

    private Bearer Used(StoredKey stored)
    {
        var (id, now) = (stored.Key.Id, time.GetUtcNow());
        if (seen.TryGetValue(id, out var known) && (now - known.UseTold).Duration() >= UseIsToldEvery
            && seen.TryUpdate(id, known with { UseTold = now }, known))
        {
            _ = TellUseAsync(id);
        }
        return stored.Bearer;
    }

    /// <summary>A key of the host's settings; its id changes with it, so that a cookie that was given for another one opens nothing.</summary>
    private static IEnumerable<StoredKey> Own(string name, string? text, TimeProvider time)
    {
        if (text is not null)
        {
            var hash = AccessKeyText.Hash(text);
            yield return new StoredKey(
                new AccessKey(OwnPrefix + Convert.ToHexStringLower(hash.AsSpan(0, 8)), name, RouteRole.Admin, time.GetUtcNow(), LastUsed: null), hash);
        }
    }

    /// <summary>Nobody waits for it, and a use that is not told does no harm.</summary>
    private async Task TellUseAsync(string id)
    {
        try
        {
            await store.MarkUsedAsync(id, CancellationToken.None);
        }
        catch (Exception fault)
        {
            LogUseNotTold(id, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "That key {Id} was used could not be noted")]
    private partial void LogUseNotTold(string id, Exception fault);

    private sealed record Remembered(StoredKey? Key, long At)
    {
        public DateTimeOffset UseTold { get; init; }
    }
}

/// <summary>Who comes with a key.</summary>
/// <param name="Name">As told in the audit trail.</param>
/// <param name="Role">What they may do.</param>
/// <param name="KeyId">The key's id; null without a key.</param>
public sealed record Bearer(string Name, RouteRole Role, string? KeyId)
{
    /// <summary>The same as ASP.NET Core has it, made once and not for each request.</summary>
    internal ClaimsPrincipal Principal { get; } = Callers.Of(Name, Role, KeyId, Schemes.Key);
}
