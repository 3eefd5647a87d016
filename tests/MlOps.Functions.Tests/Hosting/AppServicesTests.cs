using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Functions.Hosting;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Tracking;

namespace MlOps.Functions.Tests.Hosting;

public sealed class AppServicesTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_added_before_or_after_the_apps_own_services_is_there(bool before)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true" }).Build();
        var services = new ServiceCollection().AddLogging();
        if (before)
        {
            Add(services);
        }
        services.AddMlOpsApp(configuration);
        if (!before)
        {
            Add(services);
        }

        await using var app = services.BuildServiceProvider();

        app.GetRequiredService<KnownExtensions>().Functions.Should().Equal(new KnownFunction("twice", 1));
        app.GetRequiredService<AlertSender>().New(AlertKind.RunFailed, "t", []).Deliveries.Select(delivery => delivery.Channel).Should()
            .BeEquivalentTo("slack", "nobody");
    }

    [Fact]
    public async Task Limits_are_those_of_the_settings()
    {
        await using var app = new ServiceCollection().AddLogging().AddMlOpsApp(Configuration("2048")).BuildServiceProvider();

        app.GetRequiredService<InputLimits>().Should().Be(new InputLimits { JsonBytes = 2048 });
        FluentActions.Invoking(() => new ServiceCollection().AddMlOpsApp(Configuration("many")))
            .Should().Throw<InputException>().WithMessage("*Limits__JsonBytes*");

        static IConfiguration Configuration(string limit) => new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["AzureWebJobsStorage"] = "UseDevelopmentStorage=true", ["Limits:JsonBytes"] = limit }).Build();
    }

    private static void Add(IServiceCollection services) => services.AddMlOps(add => add.AddFeatureFunction<Twice>().AddAlert<Nobody>());

    private sealed class Twice : IFeatureFunction
    {
        public string Name => "twice";

        public int Inputs => 1;

        public double Evaluate(ReadOnlySpan<double> inputs) => 2 * inputs[0];
    }

    private sealed class Nobody : IAlertChannel
    {
        public string Name => "nobody";

        public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel) => Task.FromResult<string?>("Nobody is there.");
    }
}
