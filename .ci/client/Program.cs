using System.Reflection;
using System.Text.Json;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using MlOps.Generated;
using MlOps.Generated.Models;

// Calls every operation of a running host through the client that was generated of its description:
//   client URL openapi.json MODEL
// Predictions must be there. All else may be refused, as there is nothing of that name, but not by a fault of the server.
var (url, description, model) = (args[0].TrimEnd('/'), JsonDocument.Parse(File.ReadAllText(args[1])).RootElement, args[2]);
var told = new StatusNotes { InnerHandler = new HttpClientHandler() };
using var http = new HttpClient(told);
using var adapter = new HttpClientRequestAdapter(new AnonymousAuthenticationProvider(), httpClient: http) { BaseUrl = url };
var client = new MlOpsClient(adapter);
var failures = new List<string>();
var called = 0;

await WalkAsync(client);

var operations = description.GetProperty("paths").EnumerateObject().Sum(path => path.Value.EnumerateObject().Count());
if (called != operations)
{
    failures.Add($"The client has {called} operations, the description {operations}.");
}

var row = new PredictRowRequest { Model = model, Features = new PredictRowRequest_features { AdditionalData = { ["size"] = 4.5, ["colour"] = "red" } } };
var predicted = await client.Predict.PostAsync(new() { PredictRowRequest = row });
var invoked = await client.Models[model].Invocations.PostAsync(
    new InvocationsRequest { DataframeRecords = [new InvocationsRequest_dataframe_records { AdditionalData = { ["size"] = 4.5, ["colour"] = "red" } }] });
if (predicted?.PredictedRow?.Model != model || invoked?.Predictions is not UntypedArray)
{
    failures.Add("A prediction came back as another shape than the description says.");
}

failures.ForEach(Console.Error.WriteLine);
Console.WriteLine($"{called} operations called, {failures.Count} failures");
return failures.Count == 0 ? 0 : 1;

async Task WalkAsync(object builder)
{
    foreach (var method in builder.GetType().GetMethods().Where(method => method.Name is "GetAsync" or "PostAsync" or "PutAsync" or "DeleteAsync"))
    {
        await CallAsync(builder, method);
    }
    foreach (var property in builder.GetType().GetProperties().Where(property => typeof(BaseRequestBuilder).IsAssignableFrom(property.PropertyType)))
    {
        var next = property.GetIndexParameters() is [{ } index]
            ? property.GetValue(builder, [index.ParameterType == typeof(int) ? 1 : "no-such-thing"])
            : property.GetValue(builder);
        await WalkAsync(next!);
    }
}

async Task CallAsync(object builder, MethodInfo method)
{
    called++;
    var name = $"{builder.GetType().FullName}.{method.Name}";
    var arguments = method.GetParameters().Select(parameter =>
        parameter.ParameterType == typeof(Stream) ? new MemoryStream("a,b\n1,2\n"u8.ToArray())
        : parameter.ParameterType == typeof(CancellationToken) ? CancellationToken.None
        : parameter.HasDefaultValue ? null
        : Activator.CreateInstance(parameter.ParameterType)).ToArray();
    try
    {
        await (Task)method.Invoke(builder, arguments)!;
    }
    catch (Exception fault) when (fault is ApiException or TargetInvocationException { InnerException: ApiException })
    {
        // Refused: the status says whether by the contract.
    }
    catch (Exception fault)
    {
        failures.Add($"{name}: {fault.GetType().Name}: {fault.Message}");
        return;
    }
    if (told.Last is >= 500 and not 503)
    {
        failures.Add($"{name}: the server answered {told.Last}.");
    }
}

/// <summary>Remembers the status of the last answer.</summary>
internal sealed class StatusNotes : DelegatingHandler
{
    public int Last { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var answer = await base.SendAsync(request, cancellationToken);
        Last = (int)answer.StatusCode;
        return answer;
    }
}
