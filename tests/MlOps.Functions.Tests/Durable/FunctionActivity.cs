using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using MlOps.Functions.Durable;

namespace MlOps.Functions.Tests.Durable;

/// <summary>An activity function, called as the Functions host calls it.</summary>
internal sealed class FunctionActivity(MethodInfo method, object target) : ITaskActivity
{
    public string Name { get; } = method.GetCustomAttribute<FunctionAttribute>()!.Name;

    public Type InputType => method.GetParameters()[0].ParameterType;

    public Type OutputType => method.ReturnType.GetGenericArguments()[0];

    /// <summary>All activity functions of the app.</summary>
    public static IEnumerable<FunctionActivity> All(Func<Type, object> create) =>
        from type in typeof(Stages).Assembly.GetExportedTypes()
        let methods = type.GetMethods()
            .Where(method => method.GetParameters() is [var first, ..] && first.GetCustomAttribute<ActivityTriggerAttribute>() is not null).ToList()
        where methods.Count > 0
        let target = create(type)
        from method in methods
        select new FunctionActivity(method, target);

    public async Task<object?> RunAsync(TaskActivityContext context, object? input)
    {
        var work = (Task)method.Invoke(target, [input, CancellationToken.None])!;
        await work;
        return work.GetType().GetProperty("Result")!.GetValue(work);
    }
}
