@description('Suffix that makes names unique.')
param token string

param location string
param tags { *: string }

@description('Identity that the app acts as.')
param identityName string

@description('Storage account of host, Durable Functions and pipeline.')
param storageName string

@description('Blob container that the app\'s package is deployed to.')
param packageContainer string

@description('Application Insights component.')
param insightsName string

@description('Key Vault address of the Slack webhook. Empty: none.')
param slackSecretUri string

@description('Key Vault addresses of where alerts are sent as signed JSON, and of what they are signed with. Empty: none.')
param alertWebhookUris string[]

param instanceMemoryMB int
param maximumInstanceCount int
param alwaysReadyHttp int

@description('Days after which the app deletes rows that were predicted, and what was told of them.')
param predictionDays int

@description('Subnet through which the app calls out. Empty: public networks.')
param subnetId string

@description('Key Vault address of the first admin key.')
param adminKeySecretUri string

@description('App registration whose tokens are taken, too. Empty: keys alone.')
param entraClientId string

@description('Durable Task Scheduler that keeps the orchestrations. Empty: the storage account does.')
param schedulerEndpoint string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    keyVaultReferenceIdentity: identity.id
    siteConfig: { minTlsVersion: '1.2' }
    functionAppConfig: {
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyHttp == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyHttp }]
      }
    }
  }

  // Deployment goes through Entra ID; there are no passwords.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__blobServiceUri: storage.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: storage.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: storage.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      // The host's own page gives way to the app's.
      AzureWebJobsDisableHomepage: 'true'
      // The trigger that polls is for the emulator; here Event Grid tells of new files.
      AzureWebJobs_TakePolledRawFile_Disabled: 'true'
      // The identity that the app's own storage clients sign in with.
      AZURE_CLIENT_ID: identity.properties.clientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      // Of an instance's three places for stages (host.json) one is left to what is quick.
      Pipeline__MostTrainingsTogether: string(2 * maximumInstanceCount)
      Predictions__KeepDays: string(predictionDays)
      Alerts__BaseUrl: 'https://${app.properties.defaultHostName}'
      Access__AdminKey: '@Microsoft.KeyVault(SecretUri=${adminKeySecretUri})'
    },
    empty(entraClientId)
      ? {}
      : {
          Access__Entra__ClientId: entraClientId
          Access__Entra__Authority: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        },
    empty(schedulerEndpoint)
      ? {}
      : {
          DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identity.properties.clientId}'
          AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
          AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
        },
    empty(slackSecretUri) ? {} : { Alerts__SlackWebhookUrl: '@Microsoft.KeyVault(SecretUri=${slackSecretUri})' },
    empty(alertWebhookUris)
      ? {}
      : {
          Alerts__WebhookUrl: '@Microsoft.KeyVault(SecretUri=${alertWebhookUris[0]})'
          Alerts__WebhookSecret: '@Microsoft.KeyVault(SecretUri=${alertWebhookUris[1]})'
        }
  )
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
