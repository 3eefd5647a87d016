using 'main.bicep'

// Values of the azd environment: azd env set ALERT_EMAIL ml-team@example.org
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'mlops')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', '')
// Made by hooks/preprovision, once.
param adminKey = readEnvironmentVariable('ADMIN_KEY', '')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param alertWebhookUrl = readEnvironmentVariable('ALERT_WEBHOOK_URL', '')
param alertWebhookSecret = readEnvironmentVariable('ALERT_WEBHOOK_SECRET', '')
param slackWebhookUrl = readEnvironmentVariable('SLACK_WEBHOOK_URL', '')
param instanceMemoryMB = readEnvironmentVariable('INSTANCE_MEMORY_MB', '2048') == '4096' ? 4096 : 2048
param maximumInstanceCount = int(readEnvironmentVariable('MAXIMUM_INSTANCES', '40'))
param alwaysReadyHttp = int(readEnvironmentVariable('ALWAYS_READY_HTTP', '0'))
param predictionDays = int(readEnvironmentVariable('PREDICTION_DAYS', '90'))
param privateNetwork = bool(readEnvironmentVariable('PRIVATE_NETWORK', 'false'))
param entraClientId = readEnvironmentVariable('ENTRA_CLIENT_ID', '')
param serveFromContainer = bool(readEnvironmentVariable('SERVE_FROM_CONTAINER', 'false'))
param servingImage = readEnvironmentVariable('SERVING_IMAGE', '')
param durableTaskScheduler = bool(readEnvironmentVariable('DURABLE_TASK_SCHEDULER', 'false'))
param servingRegistry = readEnvironmentVariable('SERVING_REGISTRY', '')
