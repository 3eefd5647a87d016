// Predictions from the local host's image: the same routes and models, without the Functions host in between. It only serves; runs,
// triggers and promotions stay with the function app.

@description('Suffix that makes names unique.')
param token string

param location string
param tags { *: string }

@description('Identity that the container acts as.')
param identityName string

@description('Blob address of the storage account.')
param blobEndpoint string

@description('Workspace for logs.')
param workspaceId string

@description('Image built from infra/Dockerfile.local.')
param image string

@description('Registry to pull from with the identity. Empty: the image is public.')
param registry string

@description('Subnet of the environment. Empty: public networks.')
param subnetId string

@description('Key Vault address of the first admin key.')
param adminKeySecretUri string

@description('App registration whose tokens are taken, too. Empty: keys alone.')
param entraClientId string

var port = 8080

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource containers 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId }
    // Through the diagnostic setting below: no workspace key is needed.
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: containers
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'ca-${token}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    environmentId: containers.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: port
        allowInsecure: false
      }
      secrets: [{ name: 'admin-key', keyVaultUrl: adminKeySecretUri, identity: identity.id }]
      registries: empty(registry) ? [] : [{ server: registry, identity: identity.id }]
    }
    template: {
      containers: [
        {
          name: 'predictions'
          image: image
          args: [
            'up'
            '--serve-only'
            '--listen'
            '0.0.0.0'
            '--port'
            string(port)
            '--data'
            '/data'
            '--storage'
            blobEndpoint
          ]
          env: concat(
            [
              { name: 'AZURE_CLIENT_ID', value: identity.properties.clientId }
              { name: 'Access__AdminKey', secretRef: 'admin-key' }
            ],
            empty(entraClientId)
              ? []
              : [
                  { name: 'Access__Entra__ClientId', value: entraClientId }
                  {
                    name: 'Access__Entra__Authority'
                    value: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
                  }
                ]
          )
          resources: { cpu: 1, memory: '2Gi' }
          probes: [
            // New replicas take requests once storage answers them.
            { type: 'Startup', httpGet: { path: '/health', port: port }, periodSeconds: 2, failureThreshold: 60 }
            // Loaded models go on predicting while storage is away: only the process itself must live.
            { type: 'Readiness', tcpSocket: { port: port }, periodSeconds: 5 }
            { type: 'Liveness', tcpSocket: { port: port }, periodSeconds: 10 }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 10
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

output url string = 'https://${app.properties.configuration.ingress.fqdn}'
