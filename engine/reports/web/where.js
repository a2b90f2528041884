// Where: accounts, units, regions or types as rows, and of each how it stands by section of a pack, or by severity.

const GROUPS = { account: 'Accounts', unit: 'Units', region: 'Regions', type: 'Types' };
const [FAILS, UNKNOWN, WAIVED, PASSES] = [0, 1, 2, 3];
const CATEGORIES = [FAILS, UNKNOWN, UNKNOWN, WAIVED, PASSES, -1, -1]; // of KINDS
const ROWS = 15;
const HEATS = 4;
const NO_UNIT = 'Unit unknown';

// Of each group and policy how many findings fail, are unknown, are waived, pass; and of each group how bad those are that fail.
function groupCounts(columns, kinds, key) {
  const units = names.account.map((id) => unitOf(id) || NO_UNIT);
  const groups = key === 'unit' ? [...new Set(units)] : names[key];
  const numbers = key === 'unit' ? units.map((unit) => groups.indexOf(unit)) : names[key].map((_, number) => number);
  const column = columns[key === 'unit' ? 'account' : key];
  const cells = new Uint32Array(groups.length * report.policies.length * 4);
  const failing = groups.map(() => names.severity.map(() => 0));
  for (let row = 0; row < columns.count; row += 1) {
    const group = numbers[column[columns.place[row]]];
    const category = CATEGORIES[kinds[row]];
    if (category === FAILS) failing[group][severityOf(columns, row)] += 1;
    if (category >= 0) cells[(group * report.policies.length + columns.policy[row]) * 4 + category] += 1;
  }
  const at = (group, policy, category) => cells[(group * report.policies.length + policy) * 4 + category];
  return { groups, at, failing };
}

const policyNumber = new Map(report.policies.map((policy, number) => [policy.id, number]));

// A section in a group: how many of its controls fail, are unknown, are waived, pass.
function controlsIn(part, group, at) {
  const found = [0, 0, 0, 0];
  for (const control of part.controls) {
    const numbers = control.policies.map(({ policy }) => policyNumber.get(policy));
    const category = [FAILS, UNKNOWN, WAIVED, PASSES].find((each) => numbers.some((number) => at(group, number, each)));
    if (category !== undefined) found[category] += 1;
  }
  return found;
}

const heat = (share) => (share ? `heat-${Math.ceil(share * HEATS)}` : 'heat-0');

function sectionCell([fails, unknown, waived, passes], whose, title, go) {
  const decided = fails + waived + passes;
  if (!decided && !unknown) return el('td', { class: 'heat' }, '–');
  const words = `${title}, ${whose}: ${fails} of ${counted(decided, 'decided control')} fail${unknown ? `, ${unknown} unknown` : ''}`;
  const kind = decided ? (fails || passesShown ? heat(fails / decided) : '') : 'heat-unknown';
  return el('td', { class: `heat ${kind}` }, el('button', { type: 'button', 'aria-label': words, title: words, onclick: go },
    decided ? count(fails) : '', unknown ? el('span', { class: 'unknowns' }, `${decided ? ' ' : ''}${unknown}?`) : null));
}

// Whether the page has its passes: `--status` may have left them out, and then their absence says nothing.
let passesShown = true;

function where(columns, kinds, show) {
  passesShown = sum(report.policies.map((policy) => policy.passing)) === kinds.reduce((total, kind) => total + (CATEGORIES[kind] === PASSES), 0);
  const state = { key: 'account', pack: report.packs[0] || null, text: '' };
  const counts = new Map();
  const shown = [...names.severity.keys()].filter((rank) => report.policies.some((policy) => policy.severities.includes(names.severity[rank])));
  const body = el('div', {});
  const search = el('input', { type: 'search', id: 'where-search', 'aria-label': 'Search accounts, units and regions', placeholder: 'Search accounts, units and regions', autocomplete: 'off', spellcheck: 'false' });
  const keys = Object.entries(GROUPS).filter(([key]) => key !== 'unit' || UNITS.size).map(([key, title]) =>
    [key, el('button', { type: 'button', class: 'quiet', onclick: () => { state.key = key; draw(); } }, title)]);
  const packed = report.packs.length > 1
    ? el('select', { 'aria-label': 'Pack', class: 'quiet' }, report.packs.map((pack, number) => el('option', { value: number }, pack.title))) : null;
  packed?.addEventListener('change', () => { state.pack = report.packs[packed.value]; draw(); });
  search.addEventListener('input', () => { state.text = search.value.toLowerCase(); draw(); });

  function rowsOf(key) {
    if (counts.has(key)) return counts.get(key);
    const { groups, at, failing } = groupCounts(columns, kinds, key);
    const rows = groups.map((name, group) => {
      const severities = failing[group];
      let unknown = 0;
      report.policies.forEach((_, policy) => {
        unknown += at(group, policy, UNKNOWN);
      });
      const weight = sum(severities.map((value, rank) => value * report.weights[rank]));
      const title = key === 'account' ? report.titles[name] : '';
      const unit = key === 'account' ? unitOf(name) : '';
      return { name, title, unit, severities, unknown, weight, total: sum(severities), cell: (part) => controlsIn(part, group, at), text: `${name} ${title || ''} ${unit || ''}`.toLowerCase() };
    });
    rows.sort((one, other) => other.weight - one.weight || other.unknown - one.unknown || (one.name < other.name ? -1 : 1));
    counts.set(key, rows);
    return rows;
  }

  function row(group, most) {
    const place = group.name === NO_UNIT ? { account: names.account.filter((id) => !unitOf(id)) } : { [state.key]: group.name };
    const go = (filter) => show({ ...place, ...filter });
    const seen = names.severity.map((severity, rank) => [severity, group.severities[rank]]);
    const cells = state.pack
      ? state.pack.sections.map((part) => sectionCell(group.cell(part), group.title || group.name, sectionTitle(part), () => go({ control: sectionKey(state.pack, part), status: ['fail', 'gap'] })))
      : shown.map((rank) => [...seen[rank], rank]).map(([severity, value, rank]) => el('td', { class: `heat ${value ? heat(Math.log1p(value) / Math.log1p(most[rank])) : ''}` },
        value ? el('button', { type: 'button', 'aria-label': `${count(value)} ${severity}, ${group.title || group.name}`, onclick: () => go({ severity, status: 'fail' }) }, count(value)) : '0'));
    return el('tr', {},
      el('th', { scope: 'row', class: 'place' }, el('button', { type: 'button', class: 'link', onclick: () => go({}) }, group.title || group.name),
        el('span', { class: 'muted id' }, [group.title ? group.name : '', group.unit].filter(Boolean).join(' · '))),
      el('td', { class: 'share' }, bar(seen, most.total, counted(group.total, 'failure'))),
      number(group.total, 'bad'), number(group.unknown, 'unknown'), cells);
  }

  function draw() {
    for (const [key, button] of keys) button.setAttribute('aria-pressed', key === state.key);
    const all = rowsOf(state.key);
    const rows = all.filter((group) => group.text.includes(state.text));
    const most = names.severity.map((_, rank) => Math.max(...all.map((group) => group.severities[rank]), 1));
    most.total = all.reduce((top, group) => Math.max(top, group.total), 1);
    const title = GROUPS[state.key];
    const columnsOf = state.pack ? state.pack.sections.map(sectionTitle) : shown.map((rank) => names.severity[rank][0].toUpperCase() + names.severity[rank].slice(1));
    const headings = [[title.slice(0, -1)], ['By severity', 'share'], ['Failures', 'number'], ['Unknown', 'number'], ...columnsOf.map((name) => [name, 'heat'])];
    body.className = columnsOf.length > 9 ? 'many' : '';
    body.replaceChildren(el('p', { class: 'of muted' }, rows.length === all.length ? counted(all.length, title.slice(0, -1).toLowerCase()) : `${count(rows.length)} of ${count(all.length)}`),
      ...capped(headings, rows, ROWS, (group) => row(group, most), title));
  }

  draw();
  const said = state.pack ? 'In a cell: how many of the section’s decided controls fail there; 2? is two that are unknown.' : 'In a cell: how many fail there.';
  return section('where', 'Where', el('div', { class: 'tools' }, el('div', { class: 'keys', role: 'group', 'aria-label': 'Rows' }, keys.map(([, button]) => button)), packed, search), body,
    el('p', { class: 'legend muted' }, passesShown ? said : `${said} Passes are not in this page.`));
}

// In how many accounts each policy fails.
function failingAccounts(columns, kinds) {
  const seen = report.policies.map(() => new Set());
  for (let row = 0; row < columns.count; row += 1) if (!kinds[row]) seen[columns.policy[row]].add(columns.account[columns.place[row]]);
  return (policy) => seen[policyNumber.get(policy.id)].size;
}
