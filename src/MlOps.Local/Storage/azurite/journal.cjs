'use strict';
// A write-ahead journal for Azurite, whose databases (LokiJS) are otherwise only in memory between two saves.
//
// Before an answer's first byte leaves, whatever has changed in any database is appended to the journal: one write, one record, so that a
// change of many rows is there whole or not at all, and nobody can be told, or read, what a killed process would forget. The disk has it at
// most some 50 ms later; with `durable`, before the answer. The next start reads the saved databases and puts the journal on top.
//
//   journal-00000007.log   lines of `crc32 JSON`; the first says the format, each other one is a list of changes:
//                          { db, coll, id, doc | null }, { db, coll, add: empty collection }, { db, coll, drop: true }
//
// A save ends the segment and starts the next. A saved database says with `journalFrom` which segment goes on where it ends; a segment that
// no database needs any more is deleted, oldest first. Putting a segment on a database that is ahead of it does no harm, as later ones follow.
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');

const format = 1;
const longestUnsynced = 40; // ms; the disk takes its time on top
const segmentName = /^journal-(\d{8})\.log$/;

/** Our parent takes lines that begin like this for sentences that a person should read. */
function say(sentence, how = 'tells') {
  try {
    fs.writeSync(2, `journal ${how}: ${sentence}\n`);
  } catch {
    // Nobody is left to read it.
  }
}

function stop(sentence) {
  say(sentence, 'stops');
  process.exit(3);
}

const crc32 = zlib.crc32 ?? slowCrc32(); // Node.js 20.15 and later have it.

function slowCrc32() {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    }
    return value;
  });
  return bytes => {
    let crc = 0xffffffff;
    for (const byte of bytes) {
      crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
    }
    return (crc ^ 0xffffffff) >>> 0;
  };
}

function record(value) {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} `), json, Buffer.from('\n')]);
}

/** The line's value, or nothing when it is not what was once written. */
function valueOf(line) {
  const json = line.subarray(9);
  return line.length > 9 && line[8] === 0x20 && line.toString('latin1', 0, 8) === crc32(json).toString(16).padStart(8, '0')
    ? JSON.parse(json.toString())
    : undefined;
}

function* linesOf(bytes) {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    yield { start, line: bytes.subarray(start, end < 0 ? bytes.length : end), isWhole: end >= 0 };
    start = end < 0 ? bytes.length : end + 1;
  }
}

/** A new name in a folder survives a power cut once the folder is on the disk. Windows has no such call, and needs none. */
function syncFolder(folder) {
  if (process.platform !== 'win32') {
    const fd = fs.openSync(folder, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
}

class Journal {
  /** @param {{ folder: string, durable: boolean, segmentBytes: number }} options */
  constructor({ folder, durable, segmentBytes }) {
    Object.assign(this, { folder, durable, segmentBytes });
    this.databases = new Map(); // by file name
    this.segments = []; // of earlier processes and this one: { number, databases: names with records in it }
    this.read();
    this.current = { number: (this.segments.at(-1)?.number ?? 0) + 1, databases: new Set() };
    Object.assign(this, { fd: null, size: 0, isUnsynced: false, timer: null, syncing: null, isOverdue: false });
    Object.assign(this, { isSaving: false, isFailing: false, isBatchOpen: false });
  }

  fileOf(number) {
    return path.join(this.folder, `journal-${String(number).padStart(8, '0')}.log`);
  }

  // What earlier processes left.

  read() {
    this.changes = new Map(); // database's name -> [{ segment, change }]
    const names = fs.existsSync(this.folder) ? fs.readdirSync(this.folder) : [];
    const numbers = names.map(name => segmentName.exec(name)).filter(match => match).map(match => Number(match[1])).sort((a, b) => a - b);
    for (const [index, number] of numbers.entries()) {
      if (index > 0 && number !== numbers[index - 1] + 1) {
        stop(`The journal of embedded storage is damaged: ${this.fileOf(number - 1)} is missing. ${this.remedy()}`);
      }
      this.readSegment(number, index === numbers.length - 1);
    }
    for (const name of this.changes.keys()) {
      if (!fs.existsSync(path.join(this.folder, name))) {
        stop(`${path.join(this.folder, name)} is missing, and the journal beside it goes on from it. ${this.remedy()}`);
      }
    }
  }

  readSegment(number, isLast) {
    const file = this.fileOf(number);
    const bytes = fs.readFileSync(file);
    const segment = { number, databases: new Set() };
    let bad = -1;
    let isFollowed = !isLast;
    let isFirst = true;
    for (const { start, line, isWhole } of linesOf(bytes)) {
      const value = isWhole ? valueOf(line) : undefined;
      if (value === undefined) {
        bad = bad < 0 ? start : bad;
        continue;
      }
      if (bad >= 0) {
        isFollowed = true;
        break;
      }
      if (isFirst && value.journal !== format) {
        stop(`${file} was written by another release of mlops (format ${value.journal}): start that one.`);
      }
      for (const change of isFirst ? [] : value) {
        segment.databases.add(change.db);
        if (!this.changes.has(change.db)) {
          this.changes.set(change.db, []);
        }
        this.changes.get(change.db).push({ segment: number, change });
      }
      isFirst = false;
    }
    if (bad >= 0 && isFollowed) {
      stop(`The journal of embedded storage is damaged: ${file}, byte ${bad}. ${this.remedy()}`);
    }
    if (bad >= 0) {
      say(
        `The last ${bytes.length - bad} bytes of ${file} are no whole record, as a kill in the middle of a write leaves it, and were cut off. `
        + 'Nothing that was answered is lost, unless the machine itself stopped.');
      fs.truncateSync(file, bad);
    }
    if (isFirst) {
      fs.unlinkSync(file); // Not even the format got written.
    } else {
      this.segments.push(segment);
    }
  }

  remedy() {
    return `Restore a backup of ${this.folder}. Or move its ${path.basename(this.fileOf(0)).replace(/\d+/, '*')} files elsewhere and start again: `
      + 'what was stored since the last save, up to some minutes, is lost then.';
  }

  /** Puts the journal on a saved database, before LokiJS sees it. */
  replay(file, saved) {
    const changes = this.changes.get(path.basename(file)) ?? [];
    this.changes.delete(path.basename(file));
    if (changes.length > 0 && !(saved.journalFrom >= 0)) {
      stop(`${file} was saved by a release of mlops that knows no journal, after the journal beside it began. ${this.remedy()}`);
    }
    const collections = new Map(saved.collections.map(collection => [collection.name, { collection, documents: null }]));
    for (const { segment, change } of changes) {
      if (segment < saved.journalFrom) {
        continue;
      }
      if (change.add) {
        collections.set(change.coll, { collection: change.add, documents: new Map() });
      } else if (change.drop) {
        collections.delete(change.coll);
      } else {
        const into = collections.get(change.coll)
          ?? stop(`The journal of embedded storage is damaged: it has a document of ${change.coll}, which ${file} lacks. ${this.remedy()}`);
        into.documents ??= new Map(into.collection.data.map(document => [document.$loki, document]));
        into.collection.maxId = Math.max(into.collection.maxId ?? 0, change.id);
        if (change.doc === null) {
          into.documents.delete(change.id);
        } else {
          into.documents.set(change.id, change.doc);
        }
      }
    }
    saved.collections = [...collections.values()].map(({ collection, documents }) => {
      if (documents !== null) {
        collection.data = [...documents.values()].sort((a, b) => a.$loki - b.$loki);
        collection.hasReplayed = true;
      }
      return { ...collection, dirtyIds: [] };
    });
    return saved;
  }

  // What this process changes.

  /** What is known about a database: whether it has been saved or loaded, so that a journal can go on from its file. */
  stateOf(db) {
    const name = path.basename(db.filename);
    if (!this.databases.has(name)) {
      this.databases.set(name, { db, name, isReady: false, savedFrom: 0, restructured: [] });
    }
    return this.databases.get(name);
  }

  changesOf(state) {
    const changes = [...state.restructured];
    for (const collection of state.db.collections) {
      for (const id of new Set(collection.dirtyIds)) {
        changes.push({ db: state.name, coll: collection.name, id, doc: collection.get(id) ?? null });
      }
    }
    return changes;
  }

  forget(state) {
    state.restructured = [];
    for (const collection of state.db.collections) {
      if (collection.dirtyIds.length > 0) {
        collection.dirtyIds = [];
      }
    }
  }

  /** Appends what has changed. False when that is not possible now: what has changed is kept for the next time, and nobody may be told of it. */
  append() {
    const changed = [...this.databases.values()].filter(
      state => state.isReady && (state.restructured.length > 0 || state.db.collections.some(collection => collection.dirtyIds.length > 0)));
    if (changed.length === 0) {
      return true;
    }
    try {
      const isNew = this.size === 0;
      this.fd ??= fs.openSync(this.fileOf(this.current.number), 'w');
      const changes = record(changed.flatMap(state => this.changesOf(state)));
      this.write(isNew ? Buffer.concat([record({ journal: format }), changes]) : changes);
      if (isNew) {
        syncFolder(this.folder);
      }
    } catch (problem) {
      if (!this.isFailing) {
        say(`What changed cannot be written to ${this.fileOf(this.current.number)} (${problem.message}): requests are dropped until it can be.`);
      }
      this.isFailing = true;
      return false;
    }
    if (this.isFailing) {
      say('It can be written again.');
      this.isFailing = false;
    }
    for (const state of changed) {
      this.current.databases.add(state.name);
      this.forget(state);
    }
    this.isUnsynced = true;
    if (this.size > this.segmentBytes && !this.isSaving) {
      this.isSaving = true;
      setImmediate(() => this.save());
    }
    return true;
  }

  write(bytes) {
    try {
      for (let done = 0; done < bytes.length;) {
        done += fs.writeSync(this.fd, bytes, done, bytes.length - done, this.size + done);
      }
      this.size += bytes.length;
    } catch (problem) {
      try {
        fs.ftruncateSync(this.fd, this.size);
      } catch {
        // The next record is written over what stands there.
      }
      throw problem;
    }
  }

  /** Before an answer leaves. */
  commit() {
    if (this.isBatchOpen || !this.append()) {
      return false;
    }
    if (this.durable) {
      this.sync();
    }
    this.syncSoon();
    return true;
  }

  syncSoon() {
    if (this.isUnsynced && this.timer === null && !this.isOverdue) {
      this.timer = setTimeout(() => this.syncLater(), longestUnsynced);
    }
  }

  sync() {
    if (this.isUnsynced) {
      this.isUnsynced = false;
      try {
        fs.fdatasyncSync(this.fd);
      } catch (problem) {
        this.endUnsynced(problem);
      }
    }
  }

  syncLater() {
    this.timer = null;
    if (!this.isUnsynced) {
      return;
    }
    if (this.syncing !== null) {
      this.isOverdue = true; // The disk has not done what it was told before: then at once.
      return;
    }
    const { fd } = this;
    Object.assign(this, { syncing: fd, isUnsynced: false });
    fs.fdatasync(fd, problem => {
      this.syncing = null;
      if (problem) {
        this.endUnsynced(problem);
      }
      if (fd !== this.fd) {
        fs.closeSync(fd); // Its segment has ended since.
      }
      if (this.isOverdue) {
        this.isOverdue = false;
        this.syncLater();
      } else {
        this.syncSoon();
      }
    });
  }

  /** After a failed fsync the system may have thrown away what it could not write: nobody knows what is on the disk. The next start reads it. */
  endUnsynced(problem) {
    stop(`${this.fileOf(this.current.number)} cannot be brought to the disk: ${problem.message}`);
  }

  /** Everything changed is in the journal and on the disk. */
  flush() {
    if (!this.append()) {
      return false;
    }
    this.sync();
    return true;
  }

  // Saves.

  /** Starts the segment that goes on where a save of now ends, and returns its number. */
  cut() {
    if (!this.append()) {
      throw new Error('The journal cannot be written.');
    }
    if (this.current.databases.size > 0) {
      this.isUnsynced = true; // What is under way may fail as well.
      this.sync();
      if (this.syncing !== this.fd) {
        fs.closeSync(this.fd);
      }
      this.segments.push(this.current);
      this.current = { number: this.current.number + 1, databases: new Set() };
      Object.assign(this, { fd: null, size: 0 });
    }
    return this.current.number;
  }

  /** Saves all databases, so that the journal may begin anew. */
  save() {
    let left = this.databases.size;
    for (const { db } of this.databases.values()) {
      db.saveDatabase(problem => {
        if (problem) {
          say(`${db.filename} cannot be saved (${problem.message ?? problem}): the journal is kept.`);
        }
        this.isSaving = --left > 0;
      });
    }
  }

  saved(state, from) {
    state.savedFrom = from;
    while (this.segments.length > 0 && [...this.segments[0].databases].every(name => this.databases.get(name)?.savedFrom > this.segments[0].number)) {
      fs.rmSync(this.fileOf(this.segments.shift().number), { force: true });
    }
  }

  // Where Azurite and LokiJS call us.

  attach(modules) {
    const journal = this;
    const load = name => require(path.join(modules, 'azurite', 'dist', 'src', ...name.split('/'))).default;
    const Loki = require(path.join(modules, 'lokijs'));
    const wrap = (type, name, make) => {
      type.prototype[name] = make(type.prototype[name]);
    };

    Loki.prototype.isIncremental = true; // Collections keep `dirtyIds`.
    wrap(Loki, 'addCollection', add => function (name, options) {
      const isNew = !this.collections.some(collection => collection.name === name);
      const collection = add.call(this, name, options);
      if (isNew && journal.stateOf(this).isReady) {
        const empty = JSON.parse(JSON.stringify(collection, this.serializeReplacer));
        journal.stateOf(this).restructured.push({ db: path.basename(this.filename), coll: name, add: empty });
      }
      return collection;
    });
    wrap(Loki, 'removeCollection', remove => function (name) {
      if (journal.stateOf(this).isReady && this.collections.some(collection => collection.name === name)) {
        journal.stateOf(this).restructured.push({ db: path.basename(this.filename), coll: name, drop: true });
      }
      return remove.call(this, name);
    });
    for (const name of ['renameCollection', 'loadCollection']) {
      Loki.prototype[name] = () => {
        throw new Error(`The journal does not know ${name}.`);
      };
    }
    Loki.Collection.prototype.clear = function () {
      this.removeDataOnly(); // The original leaves no trace in `dirtyIds`.
    };
    wrap(Loki, 'loadJSONObject', loadObject => function (object, options) {
      loadObject.call(this, object, options);
      for (const { name, hasReplayed } of object.collections ?? []) {
        if (hasReplayed) {
          this.getCollection(name).ensureAllIndexes(true);
        }
      }
    });
    wrap(Loki, 'autosaveEnable', () => function () {
      this.autosave = true; // At the end only; in between the journal says when.
    });
    wrap(Loki, 'saveDatabaseInternal', save => function (callback) {
      const state = journal.stateOf(this);
      let from;
      try {
        if (state.isReady) {
          from = journal.cut();
        } else {
          from = journal.current.number;
          journal.forget(state);
        }
        this.journalFrom = from;
      } catch (problem) {
        callback?.(problem);
        return;
      }
      save.call(this, problem => {
        if (!problem) {
          state.isReady = true;
          journal.saved(state, from);
        }
        callback?.(problem);
      });
    });
    Loki.LokiFsAdapter.prototype.loadDatabase = (file, callback) => fs.readFile(file, 'utf8', (problem, text) => {
      let saved;
      try {
        if (problem) {
          throw problem;
        }
        saved = JSON.parse(text);
      } catch (unreadable) {
        stop(`${file} cannot be read: ${unreadable.message}. Restore a backup of ${journal.folder}.`);
      }
      callback(journal.replay(file, saved));
    });
    Loki.LokiFsAdapter.prototype.saveDatabase = async (file, text, callback) => {
      try {
        const written = await fs.promises.open(`${file}~`, 'w');
        try {
          await written.writeFile(text);
          await written.sync();
        } finally {
          await written.close();
        }
        await fs.promises.rename(`${file}~`, file);
        syncFolder(journal.folder);
      } catch (problem) {
        callback(problem);
        return;
      }
      callback();
    };

    // What Express or anybody sends comes through here first, whether it is written, piped or only ended.
    wrap(http.ServerResponse, 'writeHead', writeHead => function (...head) {
      if (!journal.commit()) {
        this.destroy(); // No answer: the client tries again.
        return this;
      }
      return writeHead.apply(this, head);
    });

    // A batch runs without a pause, as Azurite relies on. Should an answer leave in between after all, it must not take half of it along.
    const TableStore = load('table/persistence/LokiTableMetadataStore.js');
    wrap(TableStore, 'beginBatchTransaction', begin => function (...batch) {
      journal.isBatchOpen = true;
      setImmediate(() => {
        journal.isBatchOpen = false; // One that broke off.
      });
      return begin.apply(this, batch);
    });
    wrap(TableStore, 'endBatchTransaction', end => async function (...batch) {
      try {
        return await end.apply(this, batch);
      } finally {
        journal.isBatchOpen = false;
      }
    });

    // A file may go only when nothing on the disk refers to it any more.
    wrap(load('common/persistence/FSExtentStore.js'), 'deleteExtents', deleteExtents => async function (extents) {
      return journal.flush() ? deleteExtents.call(this, extents) : 0;
    });
  }
}

module.exports = { Journal, slowCrc32 };
