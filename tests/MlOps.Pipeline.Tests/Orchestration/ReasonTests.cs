using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Stages.Promote;

namespace MlOps.Pipeline.Tests.Orchestration;

public sealed class ReasonTests
{
    [Fact]
    public void A_reason_is_read_as_it_was_written()
    {
        IReadOnlyList<Reason> reasons = [new("rmse: 3 is above 2", GateKind.Metric), new("… and 4 more.")];

        var json = Json.Write(reasons);

        json.Should().Be("""[{"text":"rmse: 3 is above 2","gate":"metric"},{"text":"… and 4 more."}]""");
        Json.Read<IReadOnlyList<Reason>>(json).Should().Equal(reasons);
    }

    [Fact]
    public void Records_of_earlier_versions_are_read_whose_reasons_were_texts()
    {
        var promotion = Json.Read<PromoteOutput>(
            """{"version":1,"promoted":false,"blockedBy":["rmse: 0.14 on validation is above the allowed 0.0001"],"report":{"rows":119,"reused":false}}""");
        var alert = Json.Read<AlertInput>("""{"runId":"m-20260101000000000-abcdef","kind":"runFailed","reasons":["a.csv is empty"]}""");

        promotion.BlockedBy.Should().Equal(new Reason("rmse: 0.14 on validation is above the allowed 0.0001"));
        alert.Reasons.Texts().Should().Equal("a.csv is empty");
    }

    [Fact]
    public void Cut_reasons_keep_their_gates()
    {
        var capped = Reasons.Cap([.. Enumerable.Range(0, 12).Select(i => new Reason(new string('x', 600), GateKind.Drift))]);

        capped.Should().HaveCount(11);
        capped.Take(10).Should().OnlyContain(reason => reason.Gate == GateKind.Drift && reason.Text.Length == 502);
        capped[10].Should().Be(new Reason("… and 2 more."));
    }
}
