using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MlOps.Testing;

namespace MlOps.Browser.Tests;

/// <summary>The local host as a process of its own, and a browser that looks at it.</summary>
public sealed partial class Dashboard : IAsyncDisposable
{
    private static readonly int[] Widths = [400, 1280, 1920];

    /// <summary>Screenshots stay where this variable says; else beside the tests.</summary>
    private static readonly string Screens = Environment.GetEnvironmentVariable("MLOPS_SCREENSHOTS") is { Length: > 0 } named
        ? named
        : Path.Combine(AppContext.BaseDirectory, "screenshots");

    private readonly LocalProcess host;
    private readonly string folder;
    private readonly IPlaywright playwright;
    private readonly IBrowser browser;
    private readonly ConcurrentQueue<string> errors = new();

    private Dashboard(LocalProcess host, string folder, IPlaywright playwright, IBrowser browser, IPage page)
    {
        (this.host, this.folder, this.playwright, this.browser, Page) = (host, folder, playwright, browser, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                errors.Enqueue($"{page.Url}: {message.Text}");
            }
        };
        page.PageError += (_, fault) => errors.Enqueue($"{page.Url}: {fault}");
    }

    public IPage Page { get; }

    /// <summary>What the browser's console said that it should not.</summary>
    public IReadOnlyCollection<string> Errors => errors;

    public required Uri Address { get; init; }

    /// <param name="adminKey">The key without which nobody comes in; null: the host is this machine's own, and open to it.</param>
    public static async Task<Dashboard> OpenAsync(string? adminKey = null)
    {
        var folder = Directory.CreateTempSubdirectory("mlops-browser-").FullName;
        string[] listen = adminKey is null ? [] : ["--listen", "0.0.0.0"];
        var host = LocalProcess.Start(
            new Dictionary<string, string?> { ["Access__AdminKey"] = adminKey }, ["up", "--port", "0", "--data", folder, .. listen]);
        await host.PrintedAsync("Serving on http://");
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = ChromiumFactAttribute.FindPath(),
            Args = ["--no-sandbox", "--disable-gpu"],
        });
        var address = new UriBuilder(Served().Match(host.Output).Groups[1].Value) { Host = "127.0.0.1" }.Uri;
        var page = await browser.NewPageAsync(new() { BaseURL = address.AbsoluteUri, ViewportSize = new() { Width = Widths[1], Height = 900 } });
        page.SetDefaultTimeout(60_000);
        return new Dashboard(host, folder, playwright, browser, page) { Address = address };
    }

    /// <summary>Looks at the page as it is: nothing that keeps somebody out, in light and dark; and pictures of it at three widths.</summary>
    /// <param name="name">What the pictures are called.</param>
    public async Task LookAsync(string name)
    {
        foreach (var theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await Page.EmulateMediaAsync(new() { ColorScheme = theme, ReducedMotion = ReducedMotion.Reduce });
            var found = await Page.RunAxe(new AxeRunOptions { Iframes = false });
            found.Violations.Where(violation => violation.Impact is "serious" or "critical")
                .Select(violation => $"{violation.Id}: {violation.Help} {string.Join(" | ", violation.Nodes.Take(3).Select(node => node.Html))}")
                .Should().BeEmpty("the page {0} is for everybody, in {1} too", name, theme);
        }
        Directory.CreateDirectory(Screens);
        foreach (var width in Widths)
        {
            await Page.SetViewportSizeAsync(width, 900);
            await Page.EmulateMediaAsync(new() { ColorScheme = width == Widths[2] ? ColorScheme.Dark : ColorScheme.Light });
            await Page.ScreenshotAsync(new() { Path = Path.Combine(Screens, $"{name}-{width}.png"), FullPage = true });
            (await Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
                .Should().BeLessThanOrEqualTo(0, "the page {0} fits into {1} pixels", name, width);
        }
        await Page.SetViewportSizeAsync(Widths[1], 900);
        await Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
        await host.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"Serving on (http://[^ ]+)\. ")]
    private static partial Regex Served();
}
