'use strict';
// Runs Azurite as a child of the local host: node host.cjs <folder with node_modules> <the journal's options as JSON> <Azurite's own arguments>.
//
// The host holds our standard input open for as long as it lives. When it closes, the host has ended or died, even by a kill
// that let it do nothing more; then Azurite closes as on Ctrl+C, which saves what it has in memory, and this process ends.
// Ctrl+C in a terminal reaches us as well, but the host may still have something to store: only the host decides when we end.
const Module = require('node:module');
const path = require('node:path');

const indexes = require('./indexes.cjs');
const { Journal } = require('./journal.cjs');

const modules = path.join(process.argv[2], 'node_modules');
const dist = path.join(modules, 'azurite', 'dist', 'src');
const options = JSON.parse(process.argv[3]);
process.argv = [process.argv[0], path.join(dist, 'azurite.js'), ...process.argv.slice(4)];

// Azurite also loads what it is started without here, telemetry and an SQL database: some 4,000 files, and most of its start.
const unused = new Set(['applicationinsights', './SqlBlobServer']);
const load = Module._load;
Module._load = function (name, ...rest) {
  return unused.has(name) ? {} : load.call(this, name, ...rest);
};

const ServerBase = require(path.join(dist, 'common', 'ServerBase.js')).default;
const servers = 3;
const longestClose = 20_000;
let closed = 0;
let close = null;

// Clients that still wait for an answer would keep a closed server's process alive.
const closeServer = ServerBase.prototype.close;
ServerBase.prototype.close = async function () {
  try {
    await closeServer.call(this);
  } finally {
    if (++closed === servers) {
      setImmediate(() => process.exit(0));
    }
  }
};

const once = process.once;
process.once = function (event, listener) {
  if (event === 'SIGINT') {
    close = listener;
    return this;
  }
  return event === 'SIGTERM' ? this : once.call(this, event, listener);
};
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

process.stdin.resume();
process.stdin.on('error', end);
process.stdin.on('end', end);
process.stdin.on('close', end);

let ending = false;
function end() {
  if (ending) {
    return;
  }
  ending = true;
  if (close === null) {
    process.exit(0); // Not started yet, so there is nothing to save.
  }
  setTimeout(() => process.exit(1), longestClose);
  close();
}

// Nobody may be left to read what Azurite prints.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

new Journal(options).attach(modules);
indexes.attach(modules);
require(process.argv[1]);
