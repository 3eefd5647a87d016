namespace MlOps.Explain.Tests;

public sealed class LinearShapTests
{
    private static readonly float[] Weights = [2, -3, 0.5f];
    private static readonly double[] Means = [1, 4, -2];

    [Fact]
    public void Values_are_weight_times_distance_from_the_mean_and_make_the_prediction()
    {
        var shap = LinearShap.Of(Weights, bias: 10, Means, columnOf: [0, 1, 2], slope: 1, offset: 0);
        var values = new double[3];

        shap.AddTo([3, 5, -2], values);

        values.Should().Equal(4, -3, 0);
        shap.BaseValue.Should().Be(10 + 2 - 12 - 1);
        (shap.BaseValue + values.Sum()).Should().Be(10 + 6 - 15 - 1);
    }

    [Fact]
    public void Slope_and_offset_change_what_is_explained()
    {
        var shap = LinearShap.Of(Weights, bias: 10, Means, columnOf: [0, 1, 2], slope: 2, offset: 100);
        var values = new double[3];

        shap.AddTo([3, 5, -2], values);

        values.Should().Equal(8, -6, 0);
        shap.BaseValue.Should().Be((2 * -1) + 100);
    }

    [Fact]
    public void Slots_of_one_column_are_added_to_what_is_there()
    {
        var shap = LinearShap.Of(Weights, bias: 0, Means, columnOf: [1, 0, 1], slope: 1, offset: 0);
        double[] values = [1000, 2000];

        shap.AddTo([3, 5, 0], values);

        values.Should().Equal(1000 - 3, 2000 + 4 + 1);
    }

    [Fact]
    public void Every_weight_needs_a_mean()
    {
        var of = () => LinearShap.Of(Weights, bias: 0, [1, 2], columnOf: [0, 1, 2], slope: 1, offset: 0);

        of.Should().Throw<ArgumentException>().WithParameterName("means").WithMessage("There are 2 means for 3 weights.*");
    }
}
