using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Definitions.Shapes;

/// <summary>A record as an object of known keys, read and written in the table's order.</summary>
internal sealed class ObjectShape<TRecord>(TRecord defaults, bool isBrief, IReadOnlyList<Key<TRecord>> keys) : Shape<TRecord>
    where TRecord : class
{
    public ObjectShape<TRecord> Key<T>(string name, string description, Shape<T> shape, Func<TRecord, T?> get, Func<TRecord, T, TRecord> set) =>
        With(name, description, shape, set, (record, detail) => get(record) is { } value ? shape.Write(value, detail) : null);

    public ObjectShape<TRecord> Key<T>(string name, string description, Shape<T> shape, Func<TRecord, T?> get, Func<TRecord, T, TRecord> set)
        where T : struct => With(name, description, shape, set, (record, detail) => get(record) is { } value ? shape.Write(value, detail) : null);

    /// <summary>A key that may stand there and means nothing to us.</summary>
    public ObjectShape<TRecord> Ignored<T>(string name, string description, Shape<T> shape) =>
        With(name, description, shape, (record, _) => record, (_, _) => null);

    /// <summary>The key named last must be given.</summary>
    public ObjectShape<TRecord> Required() => WithLast(keys[^1] with { IsRequired = true });

    /// <summary>The key named last was added after identities had been given.</summary>
    public ObjectShape<TRecord> Later() => WithLast(keys[^1] with { IsLater = true });

    public override bool TryRead(JsonReader json, string key, [MaybeNullWhen(false)] out TRecord value)
    {
        value = json.Object(key, Read);
        return value is not null;
    }

    public TRecord Read(JsonReader json)
    {
        var record = defaults;
        foreach (var key in keys)
        {
            record = key.Read(json, record);
            if (key.IsRequired && json.Take(key.Name) is null)
            {
                json.Problem(key.Name, "is missing.");
            }
        }
        json.RejectUnknown();
        return record;
    }

    public override JsonObject Write(TRecord value, Detail detail)
    {
        var written = new JsonObject();
        foreach (var key in keys)
        {
            var onlyIfSet = isBrief || (key.IsLater && detail == Detail.Identity);
            if (key.Write(value, detail) is { } node && !(onlyIfSet && JsonNode.DeepEquals(node, key.Write(defaults, detail))))
            {
                written.Add(key.Name, node);
            }
        }
        return written;
    }

    public override JsonObject Describe()
    {
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(keys.Select(key => KeyValuePair.Create(key.Name, (JsonNode?)Describe(key)))),
        };
        if (keys.Any(key => key.IsRequired))
        {
            schema["required"] = new JsonArray([.. keys.Where(key => key.IsRequired).Select(key => key.Name)]);
        }
        schema["additionalProperties"] = false;
        return schema;
    }

    private JsonObject Describe(Key<TRecord> key)
    {
        var schema = key.Describe();
        schema.Insert(0, "description", key.Description);
        // The default of an object is told by its own keys.
        if (!key.IsRequired && key.Write(defaults, Detail.Full) is { } value and not JsonObject { Count: > 0 })
        {
            schema["default"] = value;
        }
        return schema;
    }

    private ObjectShape<TRecord> With<T>(
        string name, string description, Shape<T> shape, Func<TRecord, T, TRecord> set, Func<TRecord, Detail, JsonNode?> write)
    {
        TRecord Read(JsonReader json, TRecord record) => shape.TryRead(json, name, out var value) ? set(record, value) : record;
        return new ObjectShape<TRecord>(defaults, isBrief, [.. keys, new Key<TRecord>(name, description, Read, write, shape.Describe)]);
    }

    private ObjectShape<TRecord> WithLast(Key<TRecord> last) => new(defaults, isBrief, [.. keys.SkipLast(1), last]);
}
