// What the file holds: a summary as JSON, and columns as deflated bytes (engine/reports/columns.py makes them).

const report = JSON.parse(document.getElementById('report').textContent);
const names = report.names;

const WIDTHS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array };
const PART = /[\x01-\x05]|\x06(.)/gs;

function bytesOf(id) {
  const text = document.getElementById(id).textContent;
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
  return bytes;
}

function inflated(name) {
  const stream = new Blob([bytesOf(`block-${name}`)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream);
}

// A column of numbers. One that is not there, as it would be all nothing, reads as 0.
async function numbersOf(name) {
  const block = report.blocks[name];
  return block ? new WIDTHS[block.kind](await (await inflated(name)).arrayBuffer()) : null;
}

// A column of texts: one long string, and where each text begins in it. It is never cut into pieces.
async function textsOf(name) {
  const whole = await (await inflated(name)).text();
  const starts = new Uint32Array(report.blocks[name].length + 1);
  for (let number = 0, at = -1; number < starts.length; number += 1) {
    starts[number] = at + 1;
    at = whole.indexOf('\0', at + 1);
  }
  return {
    whole,
    starts,
    length: starts.length - 1,
    at: (number) => whole.slice(starts[number], starts[number + 1] - 1),
  };
}

const later = new Map();
// The texts that are only needed for one finding at a time are read when the first is looked at.
function lazily(name) {
  if (!later.has(name)) later.set(name, textsOf(name));
  return later.get(name);
}

async function readColumns() {
  const wanted = ['policy', 'status', 'severity', 'change', 'before', 'after', 'place', 'message', 'evidence', 'remediation', 'waiver', 'why'];
  const [rows, places, resource, name, message] = await Promise.all([
    Promise.all(wanted.map(numbersOf)),
    Promise.all(['account', 'region', 'type', 'name', 'tags', 'mark'].map(numbersOf)),
    textsOf('resourceText'),
    textsOf('nameText'),
    textsOf('messageText'),
  ]);
  const columns = Object.fromEntries(wanted.map((key, number) => [key, rows[number]]));
  const [account, region, type, named, tags, mark] = places;
  const texts = { resource, name, message };
  return { ...columns, account, region, type, named, tags, mark, texts, count: columns.policy ? columns.policy.length : 0 };
}

function restored(pattern, parts) {
  return pattern.replace(PART, (mark, code) => (code ? String.fromCharCode(code.charCodeAt(0) - 48) : parts[mark.charCodeAt(0) - 1]));
}

// All that a row shows, but for what is read on demand.
function rowAt(columns, row) {
  const place = columns.place[row];
  const resource = restored(columns.texts.resource.at(place), []);
  const account = names.account[columns.account[place]];
  const region = names.region[columns.region[place]];
  const parts = [resource, resource.split(/[:/]/).pop(), '', account, region];
  const name = restored(columns.texts.name.at(columns.named[place]), parts);
  parts[2] = name;
  return {
    row,
    parts,
    account,
    region,
    resource,
    name,
    type: names.type[columns.type[place]],
    policy: report.policies[columns.policy[row]],
    status: names.status[columns.status[row]],
    kind: kindOf(columns, row),
    severity: names.severity[severityOf(columns, row)],
    change: columns.change ? names.change[columns.change[row]] : '',
    message: restored(columns.texts.message.at(columns.message[row]), parts),
  };
}
