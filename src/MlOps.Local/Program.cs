using MlOps.Local.Cli;

return await CommandLine.RunAsync(args);
