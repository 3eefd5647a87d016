# Makes the first key of role admin, once for an azd environment; see preprovision.sh.
$ErrorActionPreference = 'Stop'

if (-not $env:ADMIN_KEY) {
    $bytes = [byte[]]::new(32)
    [Security.Cryptography.RandomNumberGenerator]::Fill($bytes)
    azd env set ADMIN_KEY ([Convert]::ToHexString($bytes).ToLowerInvariant())
    if ($LASTEXITCODE -ne 0) { throw 'azd could not keep ADMIN_KEY in its environment.' }
}
