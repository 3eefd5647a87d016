'use strict';
// Ordered indexes for Azurite, which looks at every row of a table, and every blob of an account, for each query. Here a query looks at those
// that its keys name, in their order, and no further than its page: what it costs does not grow with what is stored beside.
//
// Azurite still answers by itself. All that is done is to put before it only the rows that it would choose, and its own filter decides on each.
const path = require('node:path');

const fewRemoved = 50;

/** By UTF-16 code units, as Azurite itself sorts. */
function compare(one, other) {
  for (let i = 0; i < one.length && i < other.length; i++) {
    if (one[i] !== other[i]) {
      return one[i] < other[i] ? -1 : 1;
    }
  }
  return one.length - other.length;
}

/** The ids of a collection's documents in the order of their keys. */
class OrderedIndex {
  constructor(collection, keyOf) {
    Object.assign(this, { collection, keyOf });
    const keys = new Map(collection.data.map(document => [document.$loki, keyOf(document)]));
    this.ids = [...keys.keys()].sort((a, b) => compare(keys.get(a), keys.get(b)));
  }

  get isWhole() {
    return this.ids.length === this.collection.data.length;
  }

  /** Where the first document stands whose key is not below this one; a shorter key is below the longer ones that begin with it. */
  firstFrom(key) {
    let [low, high] = [0, this.ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.keyOf(this.collection.get(this.ids[middle])), key) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  add(document) {
    this.ids.splice(this.firstFrom(this.keyOf(document)), 0, document.$loki);
  }

  remove(document) {
    for (let at = this.firstFrom(this.keyOf(document)); at < this.ids.length; at++) {
      if (this.ids[at] === document.$loki) {
        this.ids.splice(at, 1);
        return;
      }
    }
  }

  find(key) {
    const id = this.ids[this.firstFrom(key)];
    const document = id === undefined ? null : this.collection.get(id);
    return document !== null && compare(this.keyOf(document), key) === 0 ? document : null;
  }

  /** From a key on, in order, until a document is beyond what is asked for. Returns places in the collection of at most so many that are chosen. */
  walk(key, isBeyond, isChosen, most) {
    const places = [];
    for (let at = this.firstFrom(key); at < this.ids.length && places.length < most; at++) {
      const [document, place] = this.collection.get(this.ids[at], true);
      if (isBeyond(document)) {
        break;
      }
      if (isChosen(document)) {
        places.push(place);
      }
    }
    return places;
  }
}

const indexes = new WeakMap(); // by collection

function indexOf(collection, keyOf) {
  let index = indexes.get(collection);
  if (index === undefined || !index.isWhole) {
    index = new OrderedIndex(collection, keyOf);
    indexes.set(collection, index);
  }
  return index;
}

const entityKey = entity => [entity.PartitionKey, entity.RowKey];
const blobKey = blob => [blob.accountName, blob.containerName, blob.name, blob.snapshot ?? ''];

/** A collection of which a query sees only some documents. */
const narrowed = (collection, places) => ({
  chain: () => Object.assign(collection.chain(), { filteredrows: [...places], filterInitialized: true }),
});

/** What a filter's tree says of a key for certain, such as "PartitionKey eq 'a' and RowKey ge 'b'": the lowest and the highest that it may be. */
function boundsOf(node, key, bounds = { low: '', high: undefined }) {
  const [left, right, name] = [node.left, node.right, node.name];
  if (name === 'and') {
    boundsOf(left, key, bounds);
    boundsOf(right, key, bounds);
  } else if (left?.identifier === key && right?.name === 'constant' && typeof right.value === 'string') {
    if (['eq', 'ge', 'gt'].includes(name) && right.value > bounds.low) {
      bounds.low = right.value;
    }
    if (['eq', 'le', 'lt'].includes(name) && (bounds.high === undefined || right.value < bounds.high)) {
      bounds.high = right.value;
    }
  }
  return bounds;
}

function attach(modules) {
  const load = name => require(path.join(modules, 'azurite', 'dist', 'src', ...name.split('/')));
  const { Collection } = require(path.join(modules, 'lokijs'));
  const wrap = (type, name, make) => {
    type.prototype[name] = make(type.prototype[name]);
  };

  wrap(Collection, 'insertOne', insert => function (...given) {
    const document = insert.apply(this, given);
    if (document !== undefined) {
      indexes.get(this)?.add(document);
    }
    return document;
  });
  wrap(Collection, 'remove', remove => function (given) {
    const document = typeof given === 'number' ? this.get(given) : given;
    if (document !== null && typeof document === 'object' && !Array.isArray(document) && document.$loki !== undefined) {
      indexes.get(this)?.remove(document);
    }
    return remove.call(this, given);
  });
  // The original builds all of the collection's indexes anew, also for a single document.
  wrap(Collection, 'removeBatchByPositions', removeMany => function (positions) {
    if (positions.length > fewRemoved) {
      indexes.delete(this);
      return removeMany.call(this, positions);
    }
    for (const document of positions.map(position => this.data[position])) {
      this.remove(document);
    }
  });
  // Rows of one row key may be in every partition.
  wrap(Collection, 'findOne', findOne => function (query) {
    const { PartitionKey, RowKey, ...others } = query ?? {};
    return typeof PartitionKey === 'string' && typeof RowKey === 'string' && Object.keys(others).length === 0 && !this.cloneObjects
      ? indexOf(this, entityKey).find([PartitionKey, RowKey])
      : findOne.call(this, query);
  });

  const parse = load('table/persistence/QueryInterpreter/QueryParser.js').default;
  const filters = load('table/persistence/LokiTableStoreQueryGenerator.js').default;
  wrap(load('table/persistence/LokiTableMetadataStore.js').default, 'queryTableEntities', query => function (
    context, account, table, options, nextPartition, nextRow) {
    const collection = this.getEntityCollection(account, table, context);
    const matches = filters.generateQueryForPersistenceLayer(options, context);
    const tree = options.filter === undefined || ['', 'true', 'false'].includes(options.filter) ? {} : parse(options.filter);
    const [partition, row] = [boundsOf(tree, 'PartitionKey'), boundsOf(tree, 'RowKey')];
    let start = [partition.low];
    const isOnePartition = partition.low === partition.high;
    if (isOnePartition) {
      start.push(row.low);
    }
    const next = [this.decodeContinuationHeader(nextPartition), this.decodeContinuationHeader(nextRow)].filter(key => key !== undefined);
    if (next.length > 0 && compare(next, start) > 0) {
      start = next;
    }
    const isAfter = next.length > 0 ? entity => compare(entityKey(entity), next) >= 0 : () => true;
    const most = this.getMaxResultsOption(options) + 1;
    let places;
    if (row.low !== '' && row.low === row.high && partition.low === '' && partition.high === undefined) {
      // One row of each partition: Azurite's own index of row keys knows them.
      places = collection.chain().find({ RowKey: row.low }).filteredrows;
    } else {
      places = indexOf(collection, entityKey).walk(
        start,
        entity => (partition.high !== undefined && entity.PartitionKey > partition.high)
          || (isOnePartition && row.high !== undefined && entity.RowKey > row.high),
        entity => isAfter(entity) && matches(entity),
        most);
    }
    const store = Object.create(this, { getEntityCollection: { value: () => narrowed(collection, places) } });
    return query.call(store, context, account, table, options, nextPartition, nextRow);
  });

  wrap(load('blob/persistence/LokiBlobMetadataStore.js').default, 'listBlobs', list => function (
    context, account, container, delimiter, blob, prefix = '', maxResults = undefined, marker = '', includeSnapshots, includeUncommitted, startFrom) {
    const given = [context, account, container, delimiter, blob, prefix, maxResults, marker, includeSnapshots, includeUncommitted, startFrom];
    if (account === undefined || container === undefined || blob !== undefined || includeSnapshots) {
      return list.apply(this, given);
    }
    const collection = this.db.getCollection(this.BLOBS_COLLECTION);
    const first = [prefix, marker, startFrom ?? ''].reduce((one, other) => (one < other ? other : one));
    const most = delimiter === undefined && maxResults !== undefined ? maxResults + 1 : Infinity;
    const places = indexOf(collection, blobKey).walk(
      [account, container, first],
      document => document.accountName !== account || document.containerName !== container
        || (document.name >= prefix && !document.name.startsWith(prefix)),
      document => document.name.startsWith(prefix) && document.name > marker && document.snapshot.length === 0
        && (includeUncommitted || document.isCommitted),
      most);
    const db = Object.create(this.db, { getCollection: { value: () => narrowed(collection, places) } });
    return list.apply(Object.create(this, { db: { value: db } }), given);
  });
}

module.exports = { attach };
