param location string
param tags { *: string }

@description('Workspace that the app\'s logs go to.')
param workspaceId string

@description('Who is told.')
param email string

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'failed-runs'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'mlops'
    emailReceivers: [{ name: 'owner', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource failedRuns 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'failed-runs'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'A run failed'
    description: 'GET /runs/{id} names the stage and says what to do; after mending, POST /runs/{id}/retry goes on from the failed stage.'
    severity: 2
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    // Longer than the frequency, because logs arrive late; a run in two windows still alerts once: it is its own dimension.
    windowSize: 'PT15M'
    autoMitigate: true
    // A new workspace has no columns yet to check the query against.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: loadTextContent('failed-runs.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [{ name: 'RunId', operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}
