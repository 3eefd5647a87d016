using Xunit;

namespace MlOps.Testing;

/// <summary>A test that gives processes another clock (<see cref="FakedClock"/>).</summary>
public sealed class FaketimeFactAttribute : FactAttribute
{
    public FaketimeFactAttribute() => Skip = FakedClock.WhyNot;
}
