using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using MlOps.Local.Cli;
using MlOps.Testing;
using MlOps.Testing.Docs;

namespace MlOps.Local.Tests.Docs;

/// <summary>What README and docs say of the program's verbs and options, read by the program's own command line.</summary>
public sealed partial class DocVerbTests
{
    /// <summary>What stands in a command for something of the reader's, where the program wants more than a text.</summary>
    private static readonly Dictionary<string, string> StandIns = new()
    {
        ["MODEL"] = "trips",
        ["STAGE"] = "train",
        ["VERSION"] = "3",
        ["VERSION=PERCENT"] = "3=90",
        ["N"] = "7",
        ["T"] = "2026-11-26T10:00:00Z",
        ["ADDRESS"] = "0.0.0.0",
    };

    [UnixFact]
    public async Task Every_command_of_a_block_is_one_that_the_program_takes()
    {
        var commands = (await DocCommand.ReadAllAsync())
            .SelectMany(command => command.Calls.Select(call => (Command: command, Words: DocProgram.WordsOf(call))))
            .Where(call => call.Words is not null).ToList();

        commands.Count.Should().BeGreaterThan(12);
        string.Join('\n', commands.SelectMany(call => FaultsOf(call.Words!).Select(fault => $"{call.Command}: {fault}"))).Should().BeEmpty();
    }

    [Fact]
    public void Every_command_within_a_text_has_verbs_and_options_that_there_are()
    {
        var verbs = CommandLine.Parse(["--help"]).RootCommandResult.Command.Subcommands.Select(verb => verb.Name).ToHashSet();
        var mentions = DocBlock.Files.SelectMany(file => Mentions(file, verbs)).ToList();

        mentions.Count.Should().BeGreaterThan(80);
        // A text may name a verb without all that it takes.
        var faults = mentions.SelectMany(mention => FaultsOf(mention.Words).Where(fault => !IsMissing(fault))
            .Select(fault => $"{mention.File} says `{string.Join(' ', mention.Words)}`: {fault}"));
        string.Join('\n', faults).Should().BeEmpty();
    }

    [Fact]
    public void The_readme_names_every_verb()
    {
        var commands = DocBlock.Read("README.md").Split("## Commands\n")[1].Split("\n## ")[0];

        foreach (var verb in CommandLine.Parse(["--help"]).RootCommandResult.Command.Subcommands)
        {
            commands.Should().MatchRegex($"`{verb.Name}[ `]");
        }
        var named = OptionNames().Matches(commands).Select(option => option.Value).Distinct();
        var global = GlobalOptions.All.Select(option => option.Name).ToList();
        named.Should().Contain(global);
    }

    private static IEnumerable<string> FaultsOf(IReadOnlyList<string> words)
    {
        var parsed = CommandLine.Parse([.. words]);
        // Where a verb takes any number of words, an option that it does not have is taken for one of them.
        var options = parsed.Tokens.Where(token => token.Type == TokenType.Option).Select(token => token.Value);
        return parsed.Errors.Select(error => error.Message)
            .Concat(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)).Except(options).Select(option => $"there is no {option}"));
    }

    /// <summary>Commands that stand as code in a text: whole ones after <c>mlops</c>, else verbs with something behind them.</summary>
    private static IEnumerable<(string File, IReadOnlyList<string> Words)> Mentions(string file, HashSet<string> verbs) =>
        from span in CodeSpans().Matches(Blocks().Replace(DocBlock.Read(file), "")).Select(match => match.Groups["code"].Value)
        let words = (span.StartsWith("mlops ", StringComparison.Ordinal) ? span[6..] : span).Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where verbs.Contains(words[0]) && (words.Length > 1 || span.StartsWith("mlops ", StringComparison.Ordinal))
        from each in Each([.. words.Select(word => word.Trim('[', ']')).Where(word => word != "…")])
        select (file, each);

    /// <summary><c>keys add|list</c> is <c>keys add</c> and <c>keys list</c>.</summary>
    private static IEnumerable<IReadOnlyList<string>> Each(IReadOnlyList<string> words)
    {
        var at = words.ToList().FindIndex(word => word.Contains('|'));
        return at < 0
            ? [[.. words.Select(word => string.Join('@', word.Split('@').Select(part => StandIns.GetValueOrDefault(part, part))))]]
            : words[at].Split('|').SelectMany(one => Each([.. words.Take(at), one, .. words.Skip(at + 1)]));
    }

    private static bool IsMissing(string error) =>
        error.StartsWith("Required ", StringComparison.Ordinal) || error.StartsWith("Name ", StringComparison.Ordinal)
            || error.EndsWith(" is required.", StringComparison.Ordinal) || error.Contains(" needs --", StringComparison.Ordinal);

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Blocks();

    [GeneratedRegex("(?<!`)`(?<code>[^`\n]+)`(?!`)")]
    private static partial Regex CodeSpans();

    [GeneratedRegex("--[a-z-]+")]
    private static partial Regex OptionNames();
}
