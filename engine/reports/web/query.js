// Which rows are shown, and in which order. Every question is answered by walking columns of numbers; of texts, each
// different one is searched once.

const KINDS = ['fail', 'error', 'unknown', 'waived', 'pass', 'not_applicable', 'vanished'];
const STATUS_FILTERS = {
  fail: ['Failures', [0]],
  gap: ['Unknown', [1, 2]],
  waived: ['Waived', [3]],
  pass: ['Passes', [4]],
  not_applicable: ['Does not apply', [5]],
};
const SEVERITY = report.policies.map((policy) => names.severity.indexOf(policy.severity));

function openQueries(columns) {
  const kinds = Uint8Array.from({ length: columns.count }, (_, row) => KINDS.indexOf(kindOf(columns, row)));
  const orders = new Map();
  const found = new Map();
  const lower = Object.fromEntries(Object.entries(columns.texts).map(([name, texts]) => [name, lowered(texts.whole)]));

  const keys = {
    status: (row) => kinds[row] * 8 + SEVERITY[columns.policy[row]],
    change: (row) => columns.change[row] * 8 + SEVERITY[columns.policy[row]],
    severity: (row) => SEVERITY[columns.policy[row]] * 8 + kinds[row],
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
    const place = Uint8Array.from(resource, (hit, number) =>
      hit | name[columns.named[number]] | account[columns.account[number]] | region[columns.region[number]] | type[columns.type[number]]);
    const policy = few(report.policies.map((each) => `${each.id} ${each.title} ${each.severity} ${each.controls.join(' ')}`));
    const status = few(names.status.map((each) => `${each} ${said(each)}`));
    found.set(word, { place, policy, status, message: marked(columns.texts.message, lower.message, word) });
    return found.get(word);
  }

  function select(state) {
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean).map(hits);
    const wanted = {
      kind: state.status && STATUS_FILTERS[state.status] ? STATUS_FILTERS[state.status][1] : null,
      severity: names.severity.indexOf(state.severity),
      policy: report.policies.findIndex((policy) => policy.id === state.policy),
      account: names.account.indexOf(state.account),
      region: names.region.indexOf(state.region),
      change: names.change.indexOf(state.change),
    };
    const fits = (row) => {
      const [policy, place] = [columns.policy[row], columns.place[row]];
      return (!wanted.kind || wanted.kind.includes(kinds[row]))
        && (!state.severity || SEVERITY[policy] === wanted.severity)
        && (!state.policy || policy === wanted.policy)
        && (!state.account || columns.account[place] === wanted.account)
        && (!state.region || columns.region[place] === wanted.region)
        && (!state.change || columns.change[row] === wanted.change)
        && words.every((word) => word.place[place] | word.policy[policy] | word.message[columns.message[row]] | word.status[columns.status[row]]);
    };
    const rows = order(state.sort).filter(fits);
    return state.down ? rows.reverse() : rows;
  }

  return { select, kinds };
}

// What a row is now. What is not there any more is nothing of what it was.
function kindOf(columns, row) {
  const status = names.status[columns.status[row]];
  if (columns.change && names.change[columns.change[row]] === 'vanished') return 'vanished';
  return status === 'fail' ? (columns.waiver[row] ? 'waived' : 'fail') : status;
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
  const keys = Uint32Array.from({ length }, (_, row) => keyOf(row));
  const next = new Uint32Array(keys.reduce((most, key) => Math.max(most, key), 0) + 2);
  for (const key of keys) next[key + 1] += 1;
  for (let key = 1; key < next.length; key += 1) next[key] += next[key - 1];
  const rows = new Uint32Array(length);
  for (let row = 0; row < length; row += 1) {
    rows[next[keys[row]]] = row;
    next[keys[row]] += 1;
  }
  return rows;
}

// Failures by account and by region, each by severity; and in how many accounts each policy fails.
function tallied(columns, kinds) {
  const groups = (key) => names[key].map((name) => ({ name, title: key === 'account' ? report.titles[name] : '', total: 0, counts: names.severity.map(() => 0) }));
  const tally = { account: groups('account'), region: groups('region') };
  const seen = report.policies.map(() => new Set());
  for (let row = 0; row < columns.count; row += 1) {
    if (kinds[row]) continue;
    const [policy, place] = [columns.policy[row], columns.place[row]];
    seen[policy].add(columns.account[place]);
    for (const key of ['account', 'region']) {
      const group = tally[key][columns[key][place]];
      group.total += 1;
      group.counts[SEVERITY[policy]] += 1;
    }
  }
  const weight = (group) => sum(group.counts.map((value, rank) => value * report.weights[rank]));
  const worst = (list) => list.filter((group) => group.total).sort((one, other) => weight(other) - weight(one));
  return { account: worst(tally.account), region: worst(tally.region), accountsOf: (policy) => seen[report.policies.indexOf(policy)].size };
}
