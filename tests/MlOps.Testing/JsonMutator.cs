using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlOps.Testing;

/// <summary>Changes values and keys of a JSON text that stays JSON: what a reader of JSON lets through and the code behind it may not expect.</summary>
public sealed class JsonMutator(Random random)
{
    private static readonly string[] Values =
    [
        "null", "true", "-1", "0", "-0", "1e308", "1e-400", "9223372036854775808", "1e400", "0.1", "2147483648", "[]", "{}", "[[[[[]]]]]", "\"\"", "\" \"",
        "\"NaN\"", "\"Infinity\"",
        "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"'; DROP TABLE t; --\"", "\"<script>\"", "\"../../etc\"", "\"1,234.5\"", "\"99.99.9999\"", "\"0001-01-01\"",
        "\"9999-12-31T23:59:59.9999999+14:00\"",
        "\"10675199.02:48:05\"", "\"-00:00:01\"", "\"* * * * *\"", "\"0 0 0 30 2 *\"", "\"con\"", "\"__row_hash\"", "\"lightgbm\"", "[null]",
        "[1, \"a\", {}]", "{\"a\": {\"b\": []}}", "\"{0}%s\"",
    ];

    private static readonly string[] Numbers =
    [
        "0", "-0", "-0.0", "1", "-1", "1e308", "-1.7976931348623157e308", "5e-324", "1e-400", "1E+2", "0.1", "2147483648", "-9223372036854775808",
        "123456789012345678901234567890", "0.30000000000000004",
    ];

    public string Change(string json)
    {
        var root = JsonNode.Parse(json)!;
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var places = Places(root).ToList();
            if (places.Count > 0)
            {
                Change(places[random.Next(places.Count)]);
            }
        }
        return root.ToJsonString();
    }

    /// <summary>
    /// Changes values for others of their kind, and leaves out and repeats: what a reader lets through mostly, so that it gets to the code behind it.
    /// </summary>
    /// <param name="json">What is changed.</param>
    /// <param name="texts">What the texts of members of these names may become; others stay.</param>
    public string Vary(string json, IReadOnlyDictionary<string, string[]> texts)
    {
        var root = JsonNode.Parse(json)!;
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var places = Places(root).Where(place => place is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }).ToList();
            switch (places[random.Next(places.Count)])
            {
                case JsonObject members:
                    var (key, value) = members.ElementAt(random.Next(members.Count));
                    if (members != root && random.Next(6) == 0)
                    {
                        members.Remove(key);
                    }
                    else if (Like(value, texts.GetValueOrDefault(key)) is { } other)
                    {
                        members[key] = other;
                    }
                    break;
                case JsonArray elements:
                    var place = random.Next(elements.Count);
                    if (elements[place] is JsonObject repeated && random.Next(3) == 0)
                    {
                        elements.Add(repeated.DeepClone());
                    }
                    else if (Like(elements[place], texts: null) is { } one)
                    {
                        elements[place] = one;
                    }
                    break;
            }
        }
        return root.ToJsonString();
    }

    /// <summary>Another value of the same kind; null: it stays.</summary>
    private JsonNode? Like(JsonNode? value, string[]? texts) => value?.GetValueKind() switch
    {
        JsonValueKind.Number => JsonNode.Parse(random.Next(3) > 0 ? Near(value) : Numbers[random.Next(Numbers.Length)]),
        JsonValueKind.True or JsonValueKind.False => JsonValue.Create(!value.GetValue<bool>()),
        JsonValueKind.String when texts is not null => JsonValue.Create(texts[random.Next(texts.Length)]),
        _ => null,
    };

    /// <summary>Not far away, and whole where it was: limits that hold for it may still.</summary>
    private string Near(JsonNode value)
    {
        var number = value.GetValue<JsonElement>().GetDouble();
        var near = number * (random.Next(3) / 2.0 + 0.5);
        near = double.IsFinite(near) ? near : number;
        return (number == Math.Floor(number) && Math.Abs(number) < 1e15 ? Math.Ceiling(near) : near).ToString("R", CultureInfo.InvariantCulture);
    }

    private void Change(JsonNode place)
    {
        switch (place)
        {
            case JsonObject members when members.Count > 0 && random.Next(3) > 0:
                var key = members.ElementAt(random.Next(members.Count)).Key;
                if (random.Next(4) == 0)
                {
                    members.Remove(key);
                }
                else
                {
                    members[key] = Value();
                }
                break;
            case JsonObject members:
                var name = new Mutator(random).Change(members.Count > 0 ? members.ElementAt(random.Next(members.Count)).Key : "key");
                members[name] = Value();
                break;
            case JsonArray elements when elements.Count > 0 && random.Next(2) == 0:
                elements[random.Next(elements.Count)] = Value();
                break;
            case JsonArray elements:
                for (var more = random.Next(4) == 0 ? 200 : 1; more > 0; more--)
                {
                    elements.Add(Value());
                }
                break;
        }
    }

    private JsonNode? Value() => random.Next(5) == 0
        ? JsonValue.Create(new Mutator(random).Change("2026-01-31 10:00"))
        : JsonNode.Parse(Values[random.Next(Values.Length)], documentOptions: new JsonDocumentOptions { MaxDepth = 100 });

    private static IEnumerable<JsonNode> Places(JsonNode? node) => node switch
    {
        JsonObject members => members.SelectMany(member => Places(member.Value)).Prepend(members),
        JsonArray elements => elements.SelectMany(Places).Prepend(elements),
        _ => [],
    };
}
