// Tells the function app of every new blob in container "raw". A deployment of its own, after the code: the address has a key that exists
// only once the app has started with its blob trigger, and Event Grid calls it before it accepts it.

param location string = resourceGroup().location

@description('Name of the function app.')
param functionAppName string

@description('Name of the storage account.')
param storageAccountName string

@description('Name of the function with the blob trigger.')
param functionName string = 'TakeRawFile'

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionAppName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

var key = listKeys('${app.id}/host/default', '2024-11-01').systemKeys.blobs_extension

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${storageAccountName}'
  location: location
  properties: {
    source: storage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

resource newRawFile 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'new-raw-file'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      subjectBeginsWith: '/blobServices/default/containers/raw/'
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
    }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.${functionName}&code=${key}'
        maxEventsPerBatch: 1
      }
    }
  }
}
