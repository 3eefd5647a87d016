#!/bin/sh
# Makes the first key of role admin, once for an azd environment; infra/modules/vault.bicep puts it into Key Vault.
set -eu

if [ -z "${ADMIN_KEY:-}" ]; then
  azd env set ADMIN_KEY "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
fi
