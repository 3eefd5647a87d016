#!/bin/sh
# Subscribes the deployed app to new files in container "raw". azd runs it after each deployment, with the outputs of main.bicep as
# variables; by hand: set the three variables below. Safe to repeat. Needs the Azure CLI, signed in.
set -eu

: "${AZURE_RESOURCE_GROUP:?is not set; run it through azd, or set it}"
: "${FUNCTION_APP_NAME:?is not set; run it through azd, or set it}"
: "${STORAGE_ACCOUNT_NAME:?is not set; run it through azd, or set it}"
events="$(dirname "$0")/../events.bicep"

# The app makes the key in the subscription's address when it first starts, and must answer Event Grid's test call: both take a moment.
attempt=1
until az deployment group create --output none --name events \
  --resource-group "$AZURE_RESOURCE_GROUP" --template-file "$events" \
  --parameters functionAppName="$FUNCTION_APP_NAME" storageAccountName="$STORAGE_ACCOUNT_NAME"; do
  if [ "$attempt" -ge 10 ]; then
    echo "The subscription could not be made. Does the app start (GET /health)? Then run $0 again." >&2
    exit 1
  fi
  echo "Not ready yet (attempt $attempt of 10); trying again in 30 s." >&2
  attempt=$((attempt + 1))
  sleep 30
done
echo "New files in container raw of $STORAGE_ACCOUNT_NAME now start ingestion."
if [ -n "${KEY_VAULT_NAME:-}" ]; then
  echo "The first admin key: az keyvault secret show --vault-name $KEY_VAULT_NAME --name admin-key --query value --output tsv"
fi
