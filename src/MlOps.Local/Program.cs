using MlOps.Local;

return await MlOpsProgram.RunAsync(args);
