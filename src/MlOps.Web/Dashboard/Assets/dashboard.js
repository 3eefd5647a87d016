// The live parts of the dashboard. Pages are whole without it: they are read, linked and printed; it acts, and keeps them fresh.
"use strict";

const token = document.body.dataset.antiforgery;
const told = document.getElementById("told");

function tell(text, isWrong) {
  told.textContent = text;
  told.classList.toggle("wrong", Boolean(isWrong));
}

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = at.toLocaleString(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }
}

async function send(method, url, body) {
  const headers = {};
  if (token) headers["X-Antiforgery"] = token;
  if (body !== undefined && !(body instanceof Blob)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const answer = await fetch(url, { method, headers, body });
  const text = await answer.text();
  let json = null;
  try { json = JSON.parse(text); } catch { /* an empty answer, or one in words */ }
  return { ok: answer.ok, status: answer.status, location: answer.headers.get("Location"), json, text };
}

function problemOf(answer) {
  if (answer.json && Array.isArray(answer.json.problems)) return answer.json.problems.join(" ");
  return (answer.json && (answer.json.detail || answer.json.title)) || `The host answered ${answer.status}.`;
}

// Fields become JSON by their names; data-as says what else than a text a field means.
function bodyOf(form) {
  const body = {};
  for (const field of form.querySelectorAll("[name]")) {
    const value = field.type === "checkbox" ? field.checked : field.value.trim();
    if (value === "") continue;
    const as = field.dataset.as;
    const [name, key] = field.name.split(".");
    const read = as === "number" ? Number(value) : as === "numbers" ? value.split(/[\s,]+/).filter(Boolean).map(Number) : as === "json" ? JSON.parse(value) : value;
    if (key) (body[name] ??= {})[key] = read; else body[name] = read;
  }
  return body;
}

function ask(text, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-text").textContent = text;
  document.getElementById("ask-yes").textContent = yes;
  return new Promise(resolve => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.returnValue = "no";
    dialog.showModal();
  });
}

async function act(form) {
  const button = form.querySelector("button[type=submit]");
  if (form.dataset.ask && !(await ask(form.dataset.ask, button.textContent))) return;
  button.disabled = true;
  try {
    const url = form.dataset.url.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value.trim()));
    const body = bodyOf(form);
    for (const used of form.dataset.url.matchAll(/\{(\w+)\}/g)) delete body[used[1]];
    const answer = await send(form.dataset.method, url, Object.keys(body).length > 0 ? body : undefined);
    if (!answer.ok) { tell(problemOf(answer), true); return; }
    tell("Done.");
    if (form.dataset.then === "location" && answer.location) location.href = "/dashboard" + answer.location;
    else if (form.dataset.then) location.href = form.dataset.then;
    else if (!(await refresh())) location.reload();
  } catch (fault) {
    tell(`The host could not be reached: ${fault.message}`, true);
  } finally {
    button.disabled = false;
  }
}

// A live page is asked for again; what has changed of it is put in place, and what the reader has opened or is typing stays.
async function refresh(url = location.href) {
  const main = document.getElementById("content");
  if (!main) return false;
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (!answer.ok) return false;
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("content");
  if (!next) return false;
  for (const name of ["live", "events"]) if (next.dataset[name]) main.dataset[name] = next.dataset[name]; else delete main.dataset[name];
  merge(main, next);
  return true;
}

function merge(now, next) {
  for (let i = 0; i < Math.max(now.children.length, next.children.length); i++) {
    const [a, b] = [now.children[i], next.children[i]];
    if (a === undefined) { now.append(...[...next.children].slice(i).map(child => { const copy = document.importNode(child, true); localTimes(copy); return copy; })); return; }
    if (b === undefined) { while (now.children.length > i) now.lastElementChild.remove(); return; }
    if (a.dataset.before === b.outerHTML) continue;
    if (a.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, button")) continue;
    const chosen = new Set([...a.querySelectorAll("input[type=checkbox]:checked")].map(box => box.value));
    const open = [...a.querySelectorAll("details")].map(details => details.open);
    const copy = document.importNode(b, true);
    copy.dataset.before = b.outerHTML;
    localTimes(copy);
    copy.querySelectorAll("details").forEach((details, place) => { if (open[place] !== undefined) details.open = open[place]; });
    copy.querySelectorAll("input[type=checkbox]").forEach(box => { box.checked = chosen.has(box.value); });
    const read = [...a.querySelectorAll("[data-keep]")].map(part => [part.scrollTop, part.scrollTop + part.clientHeight >= part.scrollHeight - 4]);
    a.replaceWith(copy);
    // Who reads the end of a log goes on reading its end; who has gone back stays where they are.
    copy.querySelectorAll("[data-keep]").forEach((part, place) => { part.scrollTop = read[place] && !read[place][1] ? read[place][0] : part.scrollHeight; });
  }
}

// Where the host can stream, it says when something has changed; else, and until then, the page asks by itself. A page that nobody sees holds no connection:
// a browser has few of them for a host.
let events = null;
function listen() {
  const main = document.getElementById("content"), url = main && main.dataset.events;
  if (events && (!url || document.hidden)) { events.close(); events = null; }
  if (events || !url || document.hidden || !window.EventSource || main.dataset.silent) return;
  const source = events = new EventSource(url);
  let isAsking = false, isAgain = false;
  source.addEventListener("run", async event => {
    if (JSON.parse(event.data).hasEnded) source.close();
    if (isAsking) { isAgain = true; return; }
    isAsking = true;
    do { isAgain = false; try { await refresh(); } catch { /* the page asks by itself again */ } } while (isAgain);
    isAsking = false;
    listen();
  });
  source.addEventListener("error", () => {
    // This host has no such stream: it is not asked again.
    if (source.readyState === EventSource.CLOSED && events === source) { main.dataset.silent = "true"; events = null; }
  });
}

// What takes a while to read is asked for when the rest of the page is there. Where that fails, its own page tells why.
async function later(part) {
  try {
    if (await refresh(part.dataset.later)) begin(document.getElementById("content"));
    else location.href = part.dataset.later;
  } catch (fault) { tell(`The host could not be reached: ${fault.message}`, true); }
}

async function live() {
  const main = document.getElementById("content");
  listen();
  document.addEventListener("visibilitychange", listen);
  while (main && main.dataset.live) {
    await new Promise(resolve => setTimeout(resolve, Number(main.dataset.live)));
    if (document.hidden || (events && events.readyState === EventSource.OPEN)) continue;
    try { await refresh(); } catch { tell("The host does not answer at the moment.", true); }
  }
}

// Try it: predicts as one types.
function tryIt(form) {
  const [said, why, code] = [document.getElementById("try-said"), document.getElementById("try-why"), document.querySelectorAll("[data-code]")];
  const opened = new Map();
  let waiting = null, asked = 0;
  const features = () => {
    const row = {};
    for (const field of form.querySelectorAll("[data-feature]")) {
      const value = field.value.trim();
      row[field.dataset.feature] = value === "" ? null
        : field.dataset.kind === "numeric" && !Number.isNaN(Number(value)) ? Number(value)
        : field.dataset.kind === "boolean" ? value === "true" : value;
    }
    return row;
  };
  const predict = async () => {
    const mine = ++asked;
    const row = features();
    for (const block of code) block.textContent = block.dataset.code.replaceAll("{features}", JSON.stringify(row));
    const answer = await send("POST", form.dataset.url, form.dataset.classes ? { features: row, explainClasses: true } : { features: row });
    if (mine !== asked) return;
    const focused = why.contains(document.activeElement) ? document.activeElement.dataset.class : undefined;
    said.replaceChildren(...(answer.ok ? answered(answer.json) : [paragraph(problemOf(answer), "warning")]));
    why.replaceChildren(...(!answer.ok ? [] : answer.json.classProbabilities ? classesOf(answer.json, opened) : waterfall(answer.json)));
    if (focused !== undefined) for (const summary of why.querySelectorAll("summary")) if (summary.dataset.class === focused) summary.focus();
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(predict, 250); });
  form.addEventListener("submit", event => { event.preventDefault(); predict(); });
  predict();
}

function paragraph(text, kind) {
  const p = document.createElement("p");
  p.textContent = text;
  if (kind) p.className = kind;
  return p;
}

function number(value) {
  return typeof value === "number" ? Number(value.toPrecision(6)).toLocaleString("en-US", { maximumSignificantDigits: 6 }) : String(value);
}

// As short as a column of such numbers allows.
function short(value) {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

// What is read aloud when it changes: the answer itself, and not how it comes about.
function answered(answer) {
  const parts = [paragraph(number(answer.prediction), "answer")];
  if (answer.interval) parts.push(paragraph(`Between ${number(answer.interval.low)} and ${number(answer.interval.high)} in 90 of 100 such rows.`));
  if (answer.set) parts.push(paragraph(`In 90 of 100 such rows it is one of: ${answer.set.join(", ")}.`));
  if (answer.probability !== undefined) parts.push(paragraph(`Probability ${number(answer.probability)}.`));
  parts.push(paragraph(`Version ${answer.version}.`, "note"));
  if (answer.unseen) parts.push(paragraph(`Never seen in training: the value of ${answer.unseen.join(", ")}.`, "note"));
  if (answer.outOfRange) parts.push(paragraph(`Outside of what it was trained on: ${answer.outOfRange.join(", ")}.`, "note"));
  return parts;
}

function element(name, kind, ...parts) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...parts);
  return made;
}

function bar(from, to, kind) {
  const part = element("i", kind);
  part.style.left = `${100 * from}%`;
  part.style.width = `${Math.max(0.4, 100 * (to - from))}%`;
  return element("span", "track", part);
}

// The predicted class first, then by probability; each opens to how its score comes about, and stays as the reader has left it.
const mostClasses = 20;
function classesOf(answer, opened) {
  const every = Object.entries(answer.classProbabilities).sort((a, b) => (b[0] === answer.prediction) - (a[0] === answer.prediction) || b[1] - a[1]);
  const list = element("ol", "classes");
  for (const [name, probability] of every.slice(0, mostClasses)) {
    const isPredicted = name === answer.prediction;
    const explained = answer.classContributions ? answer.classContributions[name] : isPredicted && answer.contributions ? answer : null;
    const line = [element("b", "", name), bar(0, probability), element("span", "", short(probability))];
    if (!explained) { list.append(element("li", "", element("div", "line", ...line))); continue; }
    const summary = element("summary", "line", ...line), details = element("details", "", summary, ...waterfall({ ...explained, of: name }));
    summary.dataset.class = name;
    details.open = opened.has(name) ? opened.get(name) : isPredicted;
    // By hand only: what the page opens by itself is no wish of the reader.
    summary.addEventListener("click", () => opened.set(name, !details.open));
    list.append(element("li", "", details));
  }
  const rest = every.slice(mostClasses);
  const more = rest.length === 0 ? [] : [paragraph(`${rest.length} more classes have ${number(rest.reduce((sum, part) => sum + part[1], 0))} together.`, "note")];
  return [element("h3", "", "Probability of each class, and why"), list, ...more];
}

function waterfall(answer) {
  if (!answer.contributions) return [];
  const sorted = Object.entries(answer.contributions).filter(part => Number.isFinite(part[1])).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const most = sorted.length > 13 ? 12 : sorted.length, top = sorted.slice(0, most), rest = sorted.slice(most).reduce((sum, part) => sum + part[1], 0);
  if (sorted.length > most) top.push([`${sorted.length - most} more`, rest]);
  let at = answer.baseValue, [low, high] = [at, at];
  for (const [, value] of top) { at += value; low = Math.min(low, at); high = Math.max(high, at); }
  const list = element("ol", "waterfall"), span = high - low || 1, whole = at;
  at = answer.baseValue;
  for (const [name, value] of top) {
    const told = (value > 0 ? "+" : "") + short(value);
    const [from, to] = [Math.min(at, at + value), Math.max(at, at + value)];
    list.append(element("li", "", element("b", "", name), bar((from - low) / span, (to - low) / span, value < 0 ? "down" : ""), element("span", "", told)));
    at += value;
  }
  const lead = answer.of === undefined
    ? `The model says ${number(answer.baseValue)} of no row in particular; each value moves it (${answer.contributionUnit}):`
    : `The score of ${answer.of} is ${number(answer.baseValue)} of no row in particular, and ${number(whole)} of this one; each value moves it:`;
  return [paragraph(lead), list];
}

// New model: a file is uploaded, looked at, declared and trained on.
function upload(url, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    if (token) request.setRequestHeader("X-Antiforgery", token);
    request.upload.onprogress = event => { if (event.lengthComputable) progress(event.loaded / event.total); };
    request.onload = () => {
      let json = null;
      try { json = JSON.parse(request.responseText); } catch { /* no problem in words */ }
      resolve({ ok: request.status < 300, status: request.status, json });
    };
    request.onerror = () => reject(new Error("The upload was cut off."));
    request.send(file);
  });
}

function newModel(form) {
  const drop = form.querySelector(".drop"), input = form.querySelector("input[type=file]"), bar = form.querySelector("progress");
  const take = async file => {
    const model = form.elements.model.value.trim() || file.name.toLowerCase().replace(/\.(csv|tsv|txt|gz|parquet)/g, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
    form.elements.model.value = model;
    bar.hidden = false;
    const answer = await upload(`/raw/${encodeURIComponent(model)}/${encodeURIComponent(file.name)}`, file, share => { bar.value = share; });
    bar.hidden = true;
    if (!answer.ok) { tell(problemOf(answer), true); return; }
    location.href = `/dashboard/new/${encodeURIComponent(model)}?source=${encodeURIComponent(`raw/${model}/${file.name}`)}`;
  };
  input.addEventListener("change", () => { if (input.files[0]) take(input.files[0]); });
  drop.addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", event => { event.preventDefault(); drop.classList.remove("over"); if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]); });
}

// What was found of the columns, as it is edited: kinds and the target go into the definition's text.
function editDefinition(form) {
  const text = form.querySelector("textarea");
  const change = edit => {
    try {
      const definition = JSON.parse(text.value);
      edit(definition);
      text.value = JSON.stringify(definition, null, 2);
    } catch { tell("The definition is no JSON as it stands: mend it first.", true); }
  };
  for (const kind of form.querySelectorAll("[data-column]")) {
    kind.addEventListener("change", () => change(definition => {
      definition.columns ??= {};
      const old = definition.columns[kind.dataset.column];
      definition.columns[kind.dataset.column] = kind.value === "ignore" ? "ignore" : old && typeof old === "object" ? { ...old, kind: kind.value } : kind.value;
    }));
  }
  const target = form.elements.target;
  if (target) target.addEventListener("change", () => { location.href = form.dataset.again + encodeURIComponent(target.value); });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    let definition;
    try { definition = JSON.parse(text.value); } catch (wrong) { tell(`The definition is no JSON: ${wrong.message}`, true); return; }
    const kept = await send("PUT", form.dataset.definition, definition);
    if (!kept.ok) { tell(problemOf(kept), true); return; }
    const run = await send("POST", form.dataset.definition + "/runs", { source: form.dataset.source });
    if (!run.ok) { tell(problemOf(run), true); return; }
    location.href = "/dashboard" + run.location;
  });
}

document.addEventListener("submit", event => {
  if (event.target.matches("form.action")) { event.preventDefault(); act(event.target); }
});
document.addEventListener("click", event => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent).then(() => tell("Copied."), () => tell("The browser does not let this page copy: select the text.", true));
});
// What is closed has no height: its end is shown when it is opened.
document.addEventListener("toggle", event => {
  for (const part of event.target.querySelectorAll("[data-keep]")) part.scrollTop = part.scrollHeight;
}, true);
for (const child of document.getElementById("content").children) child.dataset.before = child.outerHTML;
localTimes(document);
document.querySelectorAll("[data-keep]").forEach(part => { part.scrollTop = part.scrollHeight; });
function begin(part) {
  part.querySelectorAll("form.try").forEach(tryIt);
  part.querySelectorAll("form.new-model").forEach(newModel);
  part.querySelectorAll("form.definition").forEach(editDefinition);
}
begin(document);
document.querySelectorAll("[data-later]").forEach(later);
live();
