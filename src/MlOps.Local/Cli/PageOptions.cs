using System.CommandLine;
using MlOps.Pipeline.Contracts;

namespace MlOps.Local.Cli;

/// <summary><c>--take</c>, <c>--next</c> and <c>--all</c>: how much of a list is shown. Without them its beginning, and how to go on.</summary>
internal static class PageOptions
{
    private const int FewAtOnce = 20;
    private const int MostAtOnce = 1000;

    private static readonly Option<int> Take = new("--take")
    {
        Description = "How many, 1 to 1000",
        HelpName = "N",
        DefaultValueFactory = _ => FewAtOnce,
        Validators =
        {
            result =>
            {
                if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var take) && take is < 1 or > MostAtOnce)
                {
                    result.AddError($"--take is {take}; it must be 1 to {MostAtOnce}.");
                }
            },
        },
    };

    private static readonly Option<string?> Next = new("--next") { Description = "Go on where an earlier list ended, by what it said", HelpName = "TOKEN" };
    private static readonly Option<bool> All = new("--all") { Description = "All of them" };

    public static void AddTo(Command command)
    {
        command.Add(Take);
        command.Add(Next);
        command.Add(All);
    }

    /// <summary>Reads the part of a list that is asked for.</summary>
    /// <param name="parsed">What was given.</param>
    /// <param name="read">Reads a page: how many, and what the page before said.</param>
    public static async Task<ListPage<T>> ReadAsync<T>(ParseResult parsed, Func<int, string?, Task<ListPage<T>>> read)
    {
        if (!parsed.GetValue(All))
        {
            return await read(parsed.GetValue(Take), parsed.GetValue(Next));
        }
        var (items, next) = (new List<T>(), parsed.GetValue(Next));
        do
        {
            var page = await read(MostAtOnce, next);
            items.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);
        return new ListPage<T>(items, Next: null);
    }

    /// <summary>Says how to go on, where there is more.</summary>
    public static void Tell<T>(Terminal terminal, ListPage<T> page)
    {
        if (page.Next is { } next)
        {
            terminal.SayWhole($"There are more: --next {next} goes on, --take N shows more at once, --all shows all.");
        }
    }
}
