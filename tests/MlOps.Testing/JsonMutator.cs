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
