using Microsoft.ML;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Training does not stop the whole process to collect garbage.</summary>
public sealed class ForcedCollectionsTests
{
    public static TheoryData<string> Trainers => [.. Made.Keys];

    private static Dictionary<string, object> Made
    {
        get
        {
            var ml = new MLContext(0);
            return new()
            {
                ["FastTree, numbers"] = ml.Regression.Trainers.FastTree(),
                ["FastTree, two classes"] = ml.BinaryClassification.Trainers.FastTree(),
                ["FastForest, numbers"] = ml.Regression.Trainers.FastForest(),
                ["FastForest, two classes"] = ml.BinaryClassification.Trainers.FastForest(),
            };
        }
    }

    [Theory]
    [MemberData(nameof(Trainers))]
    public void Trees_of_ML_NET_force_none(string trainer)
    {
        var made = Made[trainer];
        ForcedCollections.AreIn(made).Should().BeTrue("else there is nothing to do any more, and the class can go");

        ForcedCollections.Without(made).Should().BeSameAs(made);

        ForcedCollections.AreIn(made).Should().BeFalse();
    }

    [Fact]
    public void Other_trainers_are_left_alone()
    {
        var sdca = new MLContext(0).Regression.Trainers.Sdca();

        ForcedCollections.Without(sdca).Should().BeSameAs(sdca);
        ForcedCollections.AreIn(sdca).Should().BeFalse();
    }
}
