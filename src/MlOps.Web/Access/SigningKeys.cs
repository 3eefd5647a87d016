using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using MlOps.Pipeline.Data;

namespace MlOps.Web.Access;

/// <summary>Where ASP.NET Core keeps the keys that cookies are signed with: rows beside the access keys.</summary>
/// <remarks>Who can read the storage account can forge a cookie; they can also change everything that a cookie would let them change.</remarks>
internal sealed class SigningKeys(PipelineStorage storage) : IXmlRepository
{
    private const string Partition = "signing";
    private const string XmlColumn = "Xml";

    public IReadOnlyCollection<XElement> GetAllElements() =>
        [.. storage.Keys.Query<Azure.Data.Tables.TableEntity>(row => row.PartitionKey == Partition).Select(row => XElement.Parse(row.GetString(XmlColumn)))];

    public void StoreElement(XElement element, string friendlyName) => storage.Keys.UpsertEntity(
        new Azure.Data.Tables.TableEntity(Partition, friendlyName) { [XmlColumn] = element.ToString(SaveOptions.DisableFormatting) });
}
