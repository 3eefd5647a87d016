// One account for everything: the app's package, the host's and Durable Functions' own state, data and the registry.

@description('Name of the storage account.')
@maxLength(24)
param name string

param location string
param tags { *: string }

@description('True: no access from public networks.')
param isPrivate bool

@description('Days after which rows that were predicted, and what checks of them found, are deleted.')
@minValue(1)
param predictionDays int

var packageContainerName = 'app-package'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    accessTier: 'Hot'
    // Identities only: there is no key that could leak.
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Event Grid is one of the services that must still reach the account.
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: packageContainerName
}

// The app makes its other containers and tables itself; these are here because events are filtered by the one, and a rule deletes from the
// other, before the app has started.
resource raw 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'raw'
}

resource predictions 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'predictions'
}

// Rows that callers sent may be about people: they are kept no longer than they are of use.
resource retention 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'delete-predictions'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: {
              // The log is written to append blobs, checks to block blobs.
              blobTypes: ['appendBlob', 'blockBlob']
              prefixMatch: ['predictions/', 'artifacts/live-drift/']
            }
            actions: {
              baseBlob: {
                delete: { daysAfterModificationGreaterThan: predictionDays }
              }
            }
          }
        }
      ]
    }
  }
}

output id string = account.id
output blobEndpoint string = account.properties.primaryEndpoints.blob
output packageContainer string = packageContainerName
