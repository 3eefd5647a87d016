using MlOps.Local;
using MlOps.Pipeline;
using MlOps.Samples.Extensions;

return await MlOpsProgram.RunAsync(args, services => services.AddMlOps(add => add
    .AddFeatureFunction<GreatCircle>()
    .AddTrainer<AdditiveModel>()
    .AddCheck<GroupError>()
    .AddAlert(new AlertFile(Environment.GetEnvironmentVariable("ALERT_FILE") ?? "alerts.log"))));
