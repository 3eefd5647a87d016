using System.Diagnostics;
using System.Globalization;

namespace MlOps.Testing.Docs;

/// <summary>A command of a <c>console</c> block.</summary>
/// <param name="Block">Where it stands.</param>
/// <param name="Text">What a person types, with its continued lines.</param>
/// <param name="Output">What the block shows as its output.</param>
/// <param name="Calls">The programs that a shell starts for it, each with its arguments.</param>
public sealed record DocCommand(DocBlock Block, string Text, string Output, IReadOnlyList<string[]> Calls)
{
    private const string Prompt = "$ ";

    /// <summary>
    /// Bash itself reads the commands. It finds no program: what it would start is noted instead, and answers with an address, as somebody may want to go on
    /// with what a program printed.
    /// </summary>
    private const string Noting = """
        note() { printf '%s\0' "$__at" "$#" "$@" >> calls; }
        command_not_found_handle() { note "$@"; printf 'https://HOST' 2> /dev/null; }
        .ci/run() { note .ci/run "$@"; }
        cd() { note cd "$@"; }
        export() { note export "$@"; }
        source() { note source; }
        exec > /dev/null
        PATH=/nowhere

        """;

    /// <summary>The commands of a block, in their order.</summary>
    /// <exception cref="InvalidDataException">The block does not begin with a command, or bash cannot read one.</exception>
    public static async Task<IReadOnlyList<DocCommand>> ReadAsync(DocBlock block)
    {
        var parts = Split(block);
        var folder = Directory.CreateTempSubdirectory("mlops-docs-").FullName;
        try
        {
            var script = Noting + string.Concat(parts.Select((part, i) => string.Create(CultureInfo.InvariantCulture, $"__at={i}\n{part.Text}\n"))) + "wait\n";
            await File.WriteAllTextAsync(Path.Combine(folder, "script"), script);
            // What a command reads from its standard input.
            await File.WriteAllTextAsync(Path.Combine(folder, "rows.jsonl"), "");
            var start = new ProcessStartInfo("bash", ["--norc", "script"]) { WorkingDirectory = folder, RedirectStandardError = true };
            using var bash = Process.Start(start)!;
            var errors = await bash.StandardError.ReadToEndAsync();
            await bash.WaitForExitAsync();
            if (errors.Length > 0)
            {
                throw new InvalidDataException($"{block}: {errors}");
            }
            var calls = CallsOf(await File.ReadAllTextAsync(Path.Combine(folder, "calls"))).ToLookup(call => call.Command, call => call.Words);
            return [.. parts.Select((part, i) => new DocCommand(block, part.Text, part.Output, [.. calls[i]]))];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static async Task<IReadOnlyList<DocCommand>> ReadAllAsync()
    {
        var commands = new List<DocCommand>();
        foreach (var block in DocBlock.All.Where(block => block.Language == "console"))
        {
            commands.AddRange(await ReadAsync(block));
        }
        return commands;
    }

    public override string ToString() => $"{Block}: {Text}";

    private static List<(string Text, string Output)> Split(DocBlock block)
    {
        var parts = new List<(string Text, string Output)>();
        for (var i = 0; i < block.Lines.Count; i++)
        {
            if (!block.Lines[i].StartsWith(Prompt, StringComparison.Ordinal))
            {
                if (parts.Count == 0)
                {
                    throw new InvalidDataException($"{block}: a console block begins with a command, after '{Prompt}'. What is output alone is 'text'.");
                }
                parts[^1] = (parts[^1].Text, $"{parts[^1].Output}{block.Lines[i]}\n");
                continue;
            }
            var text = block.Lines[i][Prompt.Length..];
            while (IsOpen(text) && i + 1 < block.Lines.Count)
            {
                text += "\n" + block.Lines[++i];
            }
            parts.Add((text, ""));
        }
        return parts;
    }

    /// <summary>Whether it goes on in the next line. A comment at the end may have an apostrophe.</summary>
    private static bool IsOpen(string text)
    {
        var command = text.Split("  # ")[0];
        return command.EndsWith('\\') || command.Count(sign => sign == '\'') % 2 == 1;
    }

    private static IEnumerable<(int Command, string[] Words)> CallsOf(string noted)
    {
        var fields = noted.Split('\0')[..^1];
        for (var i = 0; i < fields.Length;)
        {
            var count = int.Parse(fields[i + 1], CultureInfo.InvariantCulture);
            yield return (int.Parse(fields[i], CultureInfo.InvariantCulture), fields[(i + 2)..(i + 2 + count)]);
            i += 2 + count;
        }
    }
}
