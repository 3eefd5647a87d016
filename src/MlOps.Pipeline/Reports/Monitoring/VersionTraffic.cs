namespace MlOps.Pipeline.Reports.Monitoring;

/// <summary>What a version has done in a window, by the kept rows of the prediction log.</summary>
/// <param name="Version">The version.</param>
/// <param name="Variant">As what it answered: <c>production</c>, <c>challenger</c>, <c>shadow</c>, or <c>version</c> where it was asked for by number.</param>
/// <param name="Rows">Rows that it was asked, those that failed included.</param>
/// <param name="Failed">Rows that it could not answer, and another did; or nobody, where it was a shadow.</param>
/// <param name="MedianMs">Half of the rows were predicted within so many milliseconds, of a request of several rows their share of it; null: none was.</param>
/// <param name="P95Ms">95 of 100 rows were.</param>
public sealed record VersionTraffic(int Version, string Variant, long Rows, long Failed, double? MedianMs, double? P95Ms);
