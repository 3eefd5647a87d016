using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Routing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;
using MlOps.Web.Access;

namespace MlOps.Web.Tests.Access;

/// <summary>Who decided what stands in the trail, also when it was refused.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class AuditTests(AzuriteFixture azurite) : WebTests(azurite)
{
    [Fact]
    public async Task A_decision_is_told_with_who_made_it_and_from_what_to_what()
    {
        await Registry.AddProductionAsync(Model);
        await Registry.AddProductionAsync(Model);
        var (key, text) = await Host.Get<AccessKeyStore>().AddAsync($"ann-{Model}", RouteRole.Admin, default);
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", text);

        await Client.PutJsonAsync($"/pipelines/{Model}", """{"target": "y"}""").ShouldBeAsync(HttpStatusCode.Created);
        await Client.PostJsonAsync($"/models/{Model}/rollback", """{"from": 2}""").ShouldBeAsync(HttpStatusCode.OK);
        await Client.PutJsonAsync($"/models/{Model}/aliases/production", """{"version": 2}""").ShouldBeAsync(HttpStatusCode.OK);
        await Client.PutJsonAsync($"/models/{Model}/aliases/production", """{"version": 9}""").ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.DeleteAsync($"/models/{Model}").ShouldFailAsync(HttpStatusCode.Conflict);

        var told = (await OursAsync()).Select(entry => (entry.By, entry.Action, entry.Subject, entry.From, entry.To, entry.Outcome)).ToList();
        told.Should().HaveCount(5);
        told.Should().OnlyContain(entry => entry.By == key.Name);
        told[0].Should().Be((key.Name, "delete", $"models/{Model}", null, null, AuditOutcome.Refused));
        told[1].Should().Be((key.Name, "alias", $"models/{Model}/aliases/production", null, null, AuditOutcome.Refused));
        told[2].Should().Be((key.Name, "alias", $"models/{Model}/aliases/production", "version 1", "version 2", AuditOutcome.Done));
        told[3].Should().Be((key.Name, "rollback", $"models/{Model}/rollback", "version 2", "version 1", AuditOutcome.Done));
        told[4].Should().Match<(string By, string Action, string Subject, string? From, string? To, AuditOutcome Outcome)>(
            entry => entry.Action == "define" && entry.From == null && entry.To!.StartsWith(Model) && entry.Outcome == AuditOutcome.Done);
        (await OursAsync())[0].Detail.Should().Contain("production");
    }

    [Theory]
    [InlineData("approve", "approved")]
    [InlineData("reject", "rejected")]
    public async Task A_decision_about_a_waiting_run_is_told_with_what_it_became(string action, string to)
    {
        var (waiting, ended) = (await AddRunAsync(RunState.Waiting), await AddRunAsync(RunState.Succeeded));

        await Client.PostAsync($"/runs/{waiting.RunId}/{action}", null).ShouldBeAsync(HttpStatusCode.Accepted);
        await Client.PostAsync($"/runs/{ended.RunId}/{action}", null).ShouldFailAsync(HttpStatusCode.Conflict);

        (await OursAsync()).Select(entry => (entry.Action, entry.Subject, entry.From, entry.To, entry.Outcome)).Should().Equal(
            (action, $"runs/{ended.RunId}/{action}", null, null, AuditOutcome.Refused),
            (action, $"runs/{waiting.RunId}/{action}", "waiting", to, AuditOutcome.Done));
    }

    [Fact]
    public async Task Traffic_is_told_with_its_shares_when_it_is_split_and_when_that_ends()
    {
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var version = await Registry.AddVersionAsync(Model);
            var inputs = new[] { new SignatureColumn("a", ColumnKind.Numeric) };
            await Host.Storage.Artifacts.UploadBlobAsync(
                $"{version.ModelBlobs}/signature.json",
                BinaryData.FromString(Json.Write(new Signature(inputs, inputs, new SignatureColumn("y", ColumnKind.Numeric)))));
        }
        await Registry.SetAliasAsync(Model, ModelAlias.Production, 1, "test", default);

        await Client.PutJsonAsync($"/models/{Model}/traffic", """{"weights": {"1": 90, "2": 10}}""").ShouldBeAsync(HttpStatusCode.OK);
        await Client.PutJsonAsync($"/models/{Model}/traffic", """{"weights": {"1": 90, "7": 10}}""").ShouldFailAsync(HttpStatusCode.BadRequest);
        await Client.DeleteAsync($"/models/{Model}/traffic").ShouldBeAsync(HttpStatusCode.OK);

        (await OursAsync()).Select(entry => (entry.Action, entry.Subject, entry.From, entry.To, entry.Outcome)).Should().Equal(
            ("traffic", $"models/{Model}/traffic", "90 % version 1, 10 % version 2", "all to production", AuditOutcome.Done),
            ("traffic", $"models/{Model}/traffic", null, null, AuditOutcome.Refused),
            ("traffic", $"models/{Model}/traffic", "all to production", "90 % version 1, 10 % version 2", AuditOutcome.Done));
    }

    [Fact]
    public async Task What_stops_in_the_middle_stands_there_as_begun()
    {
        var trail = Host.Get<AuditTrail>();

        await trail.BeginAsync("ann", "rollback", $"models/{Model}", default);

        (await OursAsync()).Should().ContainSingle().Which.Outcome.Should().Be(AuditOutcome.Begun);
    }

    [Fact]
    public async Task A_refused_command_is_told_with_its_reason()
    {
        var trail = Host.Get<AuditTrail>();

        var refused = () => trail.RecordAsync(
            "ann", "promote", $"models/{Model}", Task<(string?, string?)> () => throw new InputException("There is no version 9."), default);

        await refused.Should().ThrowAsync<InputException>();
        (await OursAsync()).Should().ContainSingle().Which.Should().Match<AuditEntry>(
            entry => entry.Outcome == AuditOutcome.Refused && entry.Detail == "There is no version 9.");
    }

    [Fact]
    public async Task A_command_that_breaks_off_is_told_as_failed()
    {
        var trail = Host.Get<AuditTrail>();

        var failed = () => trail.RecordAsync("ann", "promote", $"models/{Model}", Task<(string?, string?)> () => throw new TimeoutException(), default);

        await failed.Should().ThrowAsync<TimeoutException>();
        (await OursAsync()).Should().ContainSingle().Which.Outcome.Should().Be(AuditOutcome.Failed);
        await Client.GetAsync("/audit?next=YWJj").ShouldFailAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_trail_comes_newest_first_a_page_at_a_time()
    {
        var trail = Host.Get<AuditTrail>();
        for (var i = 0; i < 5; i++)
        {
            await trail.BeginAsync($"by {i}", "test", $"models/{Model}", default);
        }

        var (all, next) = (new List<AuditEntry>(), (string?)null);
        do
        {
            var page = await trail.ListAsync(2, next, default);
            page.Items.Count.Should().BeInRange(1, 2);
            all.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);

        all.Where(entry => entry.Subject == $"models/{Model}").Select(entry => entry.By).Should().Equal("by 4", "by 3", "by 2", "by 1", "by 0");
        all.Select(entry => entry.At).Should().BeInDescendingOrder();
    }

    /// <summary>What an admin decides is audited; an upload is not one: a run tells what it trained on.</summary>
    [Fact]
    public void Every_route_that_decides_is_audited()
    {
        var routes = Host.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.OfType<RouteRole>().Single() == RouteRole.Admin)
            .Where(route => route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Single() != "GET").ToList();

        routes.Where(route => route.Metadata.GetMetadata<AuditedAction>() is null).Select(route => route.RoutePattern.RawText)
            .Should().Equal("/raw/{model}/{file}");
        routes.Should().HaveCountGreaterThan(8);
    }

    private async Task<IReadOnlyList<AuditEntry>> OursAsync() =>
        [.. (await Host.Get<AuditTrail>().ListAsync(1000, null, default)).Items.Where(entry => entry.Subject.Contains(Model, StringComparison.Ordinal))];
}
