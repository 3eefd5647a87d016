// Whose eyes some secrets of the vault are for: on these secrets, not on the vault.

@description('Name of the vault.')
param vaultName string

@description('Who reads them.')
param readerName string

@description('Their principal.')
param principalId string

@description('Names of the secrets.')
param secrets string[]

// Key Vault Secrets User: reads values; lists, changes and deletes nothing.
var secretsUser = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '4633458b-17de-408a-b874-0445c86b69e6'
)

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName

  resource kept 'secrets' existing = [for secret in secrets: { name: secret }]
}

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (secret, i) in secrets: {
    scope: vault::kept[i]
    name: guid(vault.id, secret, readerName, secretsUser)
    properties: {
      roleDefinitionId: secretsUser
      principalId: principalId
    }
  }
]
