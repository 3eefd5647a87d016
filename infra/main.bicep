// The whole environment in one resource group. `azd up` deploys it, then the code, then infra/events.bicep (see azure.yaml).
targetScope = 'subscription'

@description('Name of the environment: part of the resource group\'s name, and tagged on every resource.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region. It must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
@minLength(1)
param location string

@description('Who is told of failed runs by e-mail. Empty: nobody, and no alert rule is made.')
param alertEmail string = ''

@description('Incoming webhook of Slack. Kept in Key Vault; the app reads it through a reference. Empty: no Slack messages.')
@secure()
param slackWebhookUrl string = ''

@description('Where alerts are sent as signed JSON. Kept in Key Vault, as its secret is. Empty: nowhere.')
@secure()
param alertWebhookUrl string = ''

@description('What these are signed with: whsec_ and the Base64 of 16 bytes or more. Needed with alertWebhookUrl.')
@secure()
param alertWebhookSecret string = ''

@description('Memory of one instance in MB; the processor share grows with it (2048: 1, 4096: 2 cores). DuckDB alone may use 512 MiB.')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at the same time. Parts of a table are worked on side by side up to this number.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances for HTTP that never sleep. 0: the first request after a pause waits for a start.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Days after which rows that were predicted are deleted.')
@minValue(1)
param predictionDays int = 90

@description('True: storage and vault are reachable only through private endpoints, and the app reaches them through a virtual network.')
param privateNetwork bool = false

@description('The first key of role admin, kept in Key Vault. `azd up` makes one and keeps it in its environment.')
@secure()
param adminKey string

@description('Who deploys: may read the admin key, and read and write data with the Azure CLI and mlops --storage. Empty: nobody gets that right.')
param deployerPrincipalId string = ''

@description('Client id of an app registration. Given: tokens of Entra ID with its app roles are taken, too. Empty: keys alone.')
param entraClientId string = ''

@description('True: predictions are also served by the local host\'s image on Container Apps, for more requests a second than the Functions host takes.')
param serveFromContainer bool = false

@description('Image built from infra/Dockerfile.local, such as ghcr.io/OWNER/REPOSITORY/local:1.0.0. Needed with serveFromContainer.')
param servingImage string = ''

@description('True: orchestrations are kept by a Durable Task Scheduler. Untried; the app needs one package more (docs/operations.md).')
param durableTaskScheduler bool = false

@description('Registry to pull servingImage from with the serving identity, which needs AcrPull there. Empty: the image is public.')
param servingRegistry string = ''

var token = toLower(uniqueString(subscription().id, environmentName, location))
// Known before anything is deployed, so that what-if can tell what would change.
var names = {
  appIdentity: 'id-app-${token}'
  servingIdentity: 'id-serving-${token}'
  storage: 'st${token}'
  vault: 'kv-${token}'
  insights: 'appi-${token}'
}
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module appIdentity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: names.appIdentity
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    insightsName: names.insights
    publisherName: names.appIdentity
    publisherPrincipalId: appIdentity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.storage
    location: location
    tags: tags
    isPrivate: privateNetwork
    predictionDays: predictionDays
  }
}

module appStorageAccess 'modules/storage-access.bicep' = {
  scope: group
  params: {
    storageName: names.storage
    identityName: names.appIdentity
    principalId: appIdentity.outputs.principalId
    runsFunctions: true
  }
  dependsOn: [
    storage
  ]
}

module deployerStorageAccess 'modules/storage-access.bicep' = if (!empty(deployerPrincipalId)) {
  scope: group
  params: {
    storageName: names.storage
    identityName: 'deployer'
    principalId: deployerPrincipalId
    runsFunctions: false
  }
  dependsOn: [
    storage
  ]
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: names.vault
    location: location
    tags: tags
    isPrivate: privateNetwork
    slackWebhookUrl: slackWebhookUrl
    alertWebhookUrl: alertWebhookUrl
    alertWebhookSecret: alertWebhookSecret
    adminKey: adminKey
  }
}

module appVaultAccess 'modules/vault-access.bicep' = {
  scope: group
  params: {
    vaultName: names.vault
    readerName: names.appIdentity
    principalId: appIdentity.outputs.principalId
    secrets: concat(
      ['admin-key'],
      empty(slackWebhookUrl) ? [] : ['slack-webhook-url'],
      empty(alertWebhookUrl) ? [] : ['alert-webhook-url', 'alert-webhook-secret']
    )
  }
  dependsOn: [
    vault
  ]
}

module deployerVaultAccess 'modules/vault-access.bicep' = if (!empty(deployerPrincipalId)) {
  scope: group
  params: {
    vaultName: names.vault
    readerName: 'deployer'
    principalId: deployerPrincipalId
    secrets: ['admin-key']
  }
  dependsOn: [
    vault
  ]
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableTaskScheduler) {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityName: names.appIdentity
    principalId: appIdentity.outputs.principalId
    hubName: loadJsonContent('../host.json', 'extensions.durableTask.hubName')
  }
}

module functionApp 'modules/function-app.bicep' = {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityName: names.appIdentity
    storageName: names.storage
    packageContainer: storage.outputs.packageContainer
    insightsName: names.insights
    slackSecretUri: empty(slackWebhookUrl) ? '' : vault.outputs.slackSecretUri
    alertWebhookUris: empty(alertWebhookUrl) ? [] : vault.outputs.alertWebhookUris
    adminKeySecretUri: vault.outputs.adminKeySecretUri
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    predictionDays: predictionDays
    subnetId: network.?outputs.appSubnetId ?? ''
    entraClientId: entraClientId
    schedulerEndpoint: scheduler.?outputs.endpoint ?? ''
  }
  // Its first start needs its rights.
  dependsOn: [
    appStorageAccess
    appVaultAccess
    monitoring
  ]
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

module servingIdentity 'modules/identity.bicep' = if (serveFromContainer) {
  scope: group
  params: {
    name: names.servingIdentity
    location: location
    tags: tags
  }
}

module servingStorageAccess 'modules/storage-access.bicep' = if (serveFromContainer) {
  scope: group
  params: {
    storageName: names.storage
    identityName: names.servingIdentity
    principalId: servingIdentity!.outputs.principalId
    runsFunctions: false
  }
  dependsOn: [
    storage
  ]
}

module servingVaultAccess 'modules/vault-access.bicep' = if (serveFromContainer) {
  scope: group
  params: {
    vaultName: names.vault
    readerName: names.servingIdentity
    principalId: servingIdentity!.outputs.principalId
    secrets: ['admin-key']
  }
  dependsOn: [
    vault
  ]
}

module serving 'modules/serving.bicep' = if (serveFromContainer) {
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityName: names.servingIdentity
    blobEndpoint: storage.outputs.blobEndpoint
    workspaceId: monitoring.outputs.workspaceId
    image: servingImage
    registry: servingRegistry
    subnetId: network.?outputs.servingSubnetId ?? ''
    adminKeySecretUri: vault.outputs.adminKeySecretUri
    entraClientId: entraClientId
  }
  dependsOn: [
    servingIdentity
    servingStorageAccess
    servingVaultAccess
  ]
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_LOCATION string = location
output FUNCTION_APP_NAME string = functionApp.outputs.name
output FUNCTION_APP_URL string = functionApp.outputs.url
output STORAGE_ACCOUNT_NAME string = names.storage
output KEY_VAULT_NAME string = names.vault
output SERVING_URL string = serving.?outputs.url ?? ''
