// What an identity or a person may do with data in the account. None of these roles manages the account or sees a key.

@description('Name of the storage account.')
param storageName string

@description('Who gets the rights.')
param identityName string

@description('Their principal.')
param principalId string

@description('True for the function app; false for a container that only serves predictions, and for a person.')
param runsFunctions bool

var roles = {
  // The Functions host keeps its singleton locks, keys and blob receipts in blobs and asks for Owner; it includes what Durable Functions
  // (leases of partitions, large messages) and the pipeline (datasets, models, definitions) need, which would be Contributor.
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  // A container that serves reads models, and writes what it predicted; a person uploads files and runs mlops on the account.
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  // Durable Functions' control and work-item queues; the blob trigger's queue of poisoned files.
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  // Durable Functions' history and instances; runs, metrics and the model registry.
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

var granted = runsFunctions
  ? [roles.blobDataOwner, roles.queueDataContributor, roles.tableDataContributor]
  : [roles.blobDataContributor, roles.tableDataContributor]

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in granted: {
    scope: account
    name: guid(account.id, identityName, role)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
      principalId: principalId
    }
  }
]
