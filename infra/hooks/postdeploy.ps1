# Subscribes the deployed app to new files in container "raw"; see postdeploy.sh.
$ErrorActionPreference = 'Stop'

foreach ($name in 'AZURE_RESOURCE_GROUP', 'FUNCTION_APP_NAME', 'STORAGE_ACCOUNT_NAME') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "$name is not set; run it through azd, or set it" }
}
$events = Join-Path $PSScriptRoot '../events.bicep'

foreach ($attempt in 1..10) {
    az deployment group create --output none --name events `
        --resource-group $env:AZURE_RESOURCE_GROUP --template-file $events `
        --parameters "functionAppName=$env:FUNCTION_APP_NAME" "storageAccountName=$env:STORAGE_ACCOUNT_NAME"
    if ($LASTEXITCODE -eq 0) {
        Write-Output "New files in container raw of $env:STORAGE_ACCOUNT_NAME now start ingestion."
        if ($env:KEY_VAULT_NAME) {
            Write-Output "The first admin key: az keyvault secret show --vault-name $env:KEY_VAULT_NAME --name admin-key --query value --output tsv"
        }
        exit 0
    }
    if ($attempt -lt 10) {
        Write-Output "Not ready yet (attempt $attempt of 10); trying again in 30 s."
        Start-Sleep -Seconds 30
    }
}
throw 'The subscription could not be made. Does the app start (GET /health)? Then run this script again.'
