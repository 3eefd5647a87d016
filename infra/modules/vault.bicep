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

@description('Identity that may read the secret.')
param readerName string

@description('Principal of that identity.')
param readerPrincipalId string

// Key Vault Secrets User: reads values; lists, changes and deletes nothing.
var secretsUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4633458b-17de-408a-b874-0445c86b69e6'
)

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
    // No purge protection: the one secret can be had from Slack again, and a removed environment may be made anew under the same name.
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

// On this one secret, not on the vault.
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(slackWebhookUrl)) {
  scope: slack
  name: guid(vault.id, 'slack-webhook-url', readerName, secretsUser)
  properties: {
    roleDefinitionId: secretsUser
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = vault.id
// Without a version: a changed secret is picked up within a day, or at a restart.
output slackSecretUri string = '${vault.properties.vaultUri}secrets/slack-webhook-url'
