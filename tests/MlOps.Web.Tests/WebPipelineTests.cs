using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Testing;

namespace MlOps.Web.Tests;

/// <summary>The HTTP face within a host that routes by itself.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class WebPipelineTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_caller_who_hangs_up_is_no_fault_of_the_server()
    {
        await using var call = Host.Get<IServiceScopeFactory>().CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = call.ServiceProvider, Request = { Method = "GET", Path = "/models" } };

        await Host.Get<WebPipeline>().RunAsync(http, new CancellationToken(canceled: true));

        http.Response.StatusCode.Should().Be(499);
        http.RequestAborted.IsCancellationRequested.Should().BeFalse("the request is given back as it came");
        Host.Errors.Should().BeEmpty();
    }
}
