// The Durable Task Scheduler as the back-end of Durable Functions, in place of queues and tables of the storage account.
@description('Suffix that makes names unique.')
param token string

param location string
param tags { *: string }

@description('Identity that the app acts as.')
param identityName string

@description('Its principal.')
param principalId string

@description('The hub that host.json names.')
param hubName string

// Starts, reads, signals and works on orchestrations.
var dataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: 'dts-${token}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'Consumption' }
    // Who may call is said by the role; an empty list would let nobody.
    ipAllowlist: ['0.0.0.0/0']
  }

  resource hub 'taskHubs' = {
    name: hubName
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler
  name: guid(scheduler.id, identityName, dataContributor)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output endpoint string = scheduler.properties.endpoint
