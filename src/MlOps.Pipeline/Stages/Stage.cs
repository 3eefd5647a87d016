using Microsoft.Extensions.DependencyInjection;

namespace MlOps.Pipeline.Stages;

/// <summary>A kind of stage, as a value: what an orchestration calls, an engine runs and a host registers.</summary>
/// <param name="name">Its name in runs, routes and logs.</param>
/// <param name="type">The class that does the work, which is also the name of its activity where engines have those.</param>
public abstract class Stage(string name, Type type)
{
    public string Name => name;

    public Type Type => type;

    /// <summary>The stage that <typeparamref name="TStage"/> does.</summary>
    public static Stage<TInput, TOutput> Of<TStage, TInput, TOutput>()
        where TStage : class, IStage<TInput, TOutput>
        where TOutput : IStageOutput =>
        new(TStage.Name, typeof(TStage), (services, context, input, cancel) => services.GetRequiredService<TStage>().RunAsync(context, input, cancel));
}

/// <inheritdoc cref="Stage"/>
public sealed class Stage<TInput, TOutput> : Stage
    where TOutput : IStageOutput
{
    private readonly Func<IServiceProvider, StageContext, TInput, CancellationToken, Task<TOutput>> run;

    internal Stage(string name, Type type, Func<IServiceProvider, StageContext, TInput, CancellationToken, Task<TOutput>> run)
        : base(name, type) => this.run = run;

    internal Task<TOutput> RunAsync(IServiceProvider services, StageContext context, TInput input, CancellationToken cancel) =>
        run(services, context, input, cancel);
}
