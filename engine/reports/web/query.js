// Which rows are shown, and in which order. Every question is answered by walking columns of numbers; of texts, each
// different one is searched once.

const KINDS = ['fail', 'error', 'unknown', 'waived', 'pass', 'not_applicable', 'vanished'];
const SEVERITY = report.policies.map((policy) => names.severity.indexOf(policy.severity));
// Where settings by place make severities differ, each row says its own.
const severityOf = (columns, row) => (columns.severity ? columns.severity[row] : SEVERITY[columns.policy[row]]);

function openQueries(columns) {
  const kinds = kindsOf(columns);
  const orders = new Map();
  const found = new Map();
  const lower = Object.fromEntries(Object.entries(columns.texts).map(([name, texts]) => [name, lowered(texts.whole)]));

  const keys = {
    status: (row) => kinds[row] * 8 + severityOf(columns, row),
    change: (row) => columns.change[row] * 8 + severityOf(columns, row),
    severity: (row) => severityOf(columns, row) * 8 + kinds[row],
    policy: ranked(report.policies.map((policy) => policy.title), (row) => columns.policy[row]),
    account: ranked(names.account, (row) => columns.account[columns.place[row]]),
    region: ranked(names.region, (row) => columns.region[columns.place[row]]),
    resource: (row) => resourceRank()[columns.place[row]],
  };

  let ranks = null;
  function resourceRank() {
    if (!ranks) ranks = ranksOf(Array.from({ length: columns.texts.resource.length }, (_, place) => columns.texts.resource.at(place)));
    return ranks;
  }

  function order(key) {
    if (!orders.has(key)) orders.set(key, sorted(columns.count, keys[key]));
    return orders.get(key);
  }

  // What a word is found in: policies, accounts and so on, a mark for each.
  function hits(word) {
    if (found.has(word)) return found.get(word);
    if (found.size > 50) found.clear();
    const few = (texts) => Uint8Array.from(texts, (text) => text.toLowerCase().includes(word));
    const account = few(names.account.map((id) => `${id} ${report.titles[id] || ''}`));
    const [region, type] = [few(names.region), few(names.type)];
    const [resource, name] = ['resource', 'name'].map((key) => marked(columns.texts[key], lower[key], word));
    const place = resource; // a mark for each place, as each has one resource
    for (let at = 0; at < place.length; at += 1) {
      place[at] |= name[columns.named[at]] | account[columns.account[at]] | region[columns.region[at]] | type[columns.type[at]];
    }
    const policy = few(report.policies.map((each) => `${each.id} ${each.title} ${each.controls.join(' ')}`));
    const status = few(names.status.map((each) => `${each} ${said(each)}`));
    found.set(word, { place, policy, status, severity: few(names.severity), message: marked(columns.texts.message, lower.message, word) });
    return found.get(word);
  }

  // A mark for each policy, each place and each kind that some filters leave in.
  function marks(state) {
    const given = Object.entries(state).filter(([key, values]) => Array.isArray(values) && values.length);
    const of = (fits) => given.filter(([key]) => fits[key]).map(([key, values]) => fits[key](values));
    const policies = of(POLICY_FITS);
    const places = of(PLACE_FITS).map(([column, fits]) => [columns[column], Uint8Array.from(fits)]);
    const place = new Uint8Array(columns.texts.resource.length).fill(1);
    for (const [column, fits] of places) for (let at = 0; at < place.length; at += 1) place[at] &= fits[column[at]];
    const wanted = new Set(state.status.flatMap((value) => (STATUS_FILTERS[value] || ['', []])[1]));
    return {
      place,
      policy: Uint8Array.from(report.policies, (policy) => policies.every((fits) => fits(policy))),
      kind: Uint8Array.from(KINDS, (_, kind) => !state.status.length || wanted.has(kind)),
      severity: Uint8Array.from(names.severity, (each) => !state.severity.length || state.severity.includes(each)),
      change: state.change.length ? Uint8Array.from(names.change, (each) => state.change.includes(each)) : null,
    };
  }

  function select(state) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean).map(hits);
    const { policy, place, kind, severity, change } = marks(state);
    const ordered = order(state.sort);
    const rows = new Uint32Array(ordered.length);
    let count = 0;
    for (const row of ordered) {
      const [of, at] = [columns.policy[row], columns.place[row]];
      const rank = severityOf(columns, row);
      if (!(policy[of] & place[at] & kind[kinds[row]] & severity[rank])) continue;
      if (change && !change[columns.change[row]]) continue;
      if (words.length && !words.every((word) => word.place[at] | word.policy[of] | word.message[columns.message[row]] | word.status[columns.status[row]] | word.severity[rank])) continue;
      rows[count] = row;
      count += 1;
    }
    const found = rows.subarray(0, count);
    return state.down ? found.reverse() : found;
  }

  return { select, kinds };
}

// What a row is now. What is not there any more is nothing of what it was.
function kindOf(columns, row) {
  const status = names.status[columns.status[row]];
  if (columns.change && names.change[columns.change[row]] === 'vanished') return 'vanished';
  return status === 'fail' ? (columns.waiver[row] ? 'waived' : 'fail') : status;
}

// The number of each row's kind among KINDS.
function kindsOf(columns) {
  const kinds = new Uint8Array(columns.count);
  const plain = names.status.map((status) => KINDS.indexOf(status));
  for (let row = 0; row < kinds.length; row += 1) {
    kinds[row] = columns.change || columns.waiver[row] ? KINDS.indexOf(kindOf(columns, row)) : plain[columns.status[row]];
  }
  return kinds;
}

function lowered(text) {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

// A mark for each text that a word stands in.
function marked(texts, lower, word) {
  const marks = new Uint8Array(texts.length);
  for (let number = 0, at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, texts.starts[number + 1])) {
    while (texts.starts[number + 1] <= at) number += 1;
    marks[number] = 1;
  }
  return marks;
}

function ranksOf(texts) {
  const ranks = new Uint32Array(texts.length);
  texts.map((text, number) => `${text}\0${number}`).sort().forEach((text, rank) => {
    ranks[text.slice(text.lastIndexOf('\0') + 1)] = rank;
  });
  return ranks;
}

function ranked(texts, numberOf) {
  const ranks = ranksOf(texts);
  return (row) => ranks[numberOf(row)];
}

// Rows by a key, those with the same key in their own order: counted, as keys are small.
function sorted(length, keyOf) {
  const keys = new Uint32Array(length);
  let most = 0;
  for (let row = 0; row < length; row += 1) {
    keys[row] = keyOf(row);
    most = Math.max(most, keys[row]);
  }
  const next = new Uint32Array(most + 2);
  for (let row = 0; row < length; row += 1) next[keys[row] + 1] += 1;
  for (let key = 1; key < next.length; key += 1) next[key] += next[key - 1];
  const rows = new Uint32Array(length);
  for (let row = 0; row < length; row += 1) {
    rows[next[keys[row]]] = row;
    next[keys[row]] += 1;
  }
  return rows;
}
