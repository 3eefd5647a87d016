using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Pipeline.Reports;

/// <summary>Renders report components to whole HTML pages.</summary>
public sealed class ReportRenderer(ILoggerFactory logging)
{
    /// <typeparam name="TPage">A component that renders a <see cref="ReportPage"/>.</typeparam>
    /// <param name="parameters">Its parameters by name.</param>
    public async Task<BinaryData> RenderAsync<TPage>(IReadOnlyDictionary<string, object?> parameters)
        where TPage : IComponent
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        await using var renderer = new HtmlRenderer(services, logging);
        var html = await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var page = await renderer.RenderComponentAsync<TPage>(ParameterView.FromDictionary(new Dictionary<string, object?>(parameters)));
            return page.ToHtmlString();
        });
        return BinaryData.FromString(html);
    }
}
