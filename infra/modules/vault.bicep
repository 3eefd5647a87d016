@description('Name of the vault.')
@maxLength(24)
param name string

param location string
param tags { *: string }

@description('True: no access from public networks.')
param isPrivate bool

@description('Incoming webhook of Slack. Empty: no secret is made.')
@secure()
param slackWebhookUrl string

@description('Where alerts are sent as signed JSON. Empty: no secrets are made.')
@secure()
param alertWebhookUrl string

@description('What these are signed with.')
@secure()
param alertWebhookSecret string

@description('The first key of role admin: 256 random bits.')
@secure()
param adminKey string

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 7
    // No purge protection: all secrets can be made again, and a removed environment may be made anew under the same name.
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource slack 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = if (!empty(slackWebhookUrl)) {
  parent: vault
  name: 'slack-webhook-url'
  properties: {
    contentType: 'text/uri-list'
    value: slackWebhookUrl
  }
}

resource webhookUrl 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = if (!empty(alertWebhookUrl)) {
  parent: vault
  name: 'alert-webhook-url'
  properties: {
    contentType: 'text/uri-list'
    value: alertWebhookUrl
  }
}

resource webhookSecret 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = if (!empty(alertWebhookUrl)) {
  parent: vault
  name: 'alert-webhook-secret'
  properties: {
    contentType: 'text/plain'
    value: alertWebhookSecret
  }
}

resource admin 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'admin-key'
  properties: {
    contentType: 'text/plain'
    value: adminKey
  }
}

output id string = vault.id
// Without a version: a changed secret is picked up within a day, or at a restart.
output slackSecretUri string = '${vault.properties.vaultUri}secrets/slack-webhook-url'
output adminKeySecretUri string = '${vault.properties.vaultUri}secrets/admin-key'
output alertWebhookUris string[] = [
  '${vault.properties.vaultUri}secrets/alert-webhook-url'
  '${vault.properties.vaultUri}secrets/alert-webhook-secret'
]
