// The summary: what the terminal's says, what to fix first, and where.

const bySeverity = (failing) => names.severity.map((_, rank) => sum(failing.map((each) => each[rank])));

function headline() {
  const { snapshot, before } = report;
  const title = before ? `${span(before.time, snapshot.time)} UTC` : `Snapshot of ${moment(snapshot.time)} UTC`;
  document.title = `Stillframe: ${before ? `${before.id} to ${snapshot.id}` : snapshot.id}`;
  const part = snapshot.evaluated < snapshot.accounts ? `${count(snapshot.evaluated)} of ` : '';
  const facts = [part + counted(snapshot.accounts, 'account'), counted(report.policies.length, 'policy', 'policies'), `stillframe ${report.tool}`];
  return el('div', { class: 'headline' }, el('h1', {}, title), el('p', { class: 'muted' }, facts.join(' · ')));
}

function tiles(show) {
  const tile = (kind, number, name, filter) =>
    el('button', { type: 'button', class: `tile ${kind}${number ? '' : ' none'}${number > 99_999 ? ' long' : ''}`, onclick: () => show(filter) },
      el('span', { class: 'number' }, count(number)), el('span', { class: 'label' }, name));
  const severities = bySeverity(report.policies.map((policy) => policy.failing))
    .map((number, rank) => [names.severity[rank], number])
    .filter(([severity, number]) => number || severity !== 'informational')
    .map(([severity, number]) => tile(severity, number, severity, { status: 'fail', severity }));
  const unknown = sum(report.policies.map((policy) => policy.unknown));
  const waived = sum(report.policies.map((policy) => policy.waived));
  return el('div', { class: 'tiles' }, severities, tile('unknown', unknown, 'unknown', { status: 'gap' }),
    waived ? tile('waived', waived, 'waived', { status: 'waived' }) : null);
}

function changeTiles(show) {
  return el('div', { class: 'tiles' }, names.change
    .map((change) => [change, sum(report.policies.map((policy) => policy.changes[change]))])
    .filter(([change, number]) => number || change === 'new' || change === 'resolved')
    .map(([change, number]) => el('button', { type: 'button', class: `tile change-${change}${number ? '' : ' none'}${number > 99_999 ? ' long' : ''}`, onclick: () => show({ change }) },
      el('span', { class: 'number' }, count(number)), el('span', { class: 'label' }, change))));
}

function policyName(policy, show) {
  return el('td', { class: 'policy' },
    el('button', { type: 'button', class: 'link', onclick: () => show({ policy: policy.id }) }, policy.title),
    el('span', { class: 'muted id' }, policy.id));
}

function policyBar(policy) {
  const parts = [['bad', policy.violations], ['waived', policy.waived], ['unknown', policy.unknown], ['good', policy.passing]];
  return bar(parts, policy.population, `${count(policy.violations)} of ${count(policy.population)} failing`);
}

const number = (value, kind = '', label = '') => el('td', { class: `number ${value ? kind : 'zero'}`, 'data-label': label }, count(value));

const LISTED_POLICIES = 20;
const FEW_NOTES = 3;

function policies(show) {
  const ordered = report.order.map((index) => report.policies[index]);
  const waived = ordered.some((policy) => policy.waived);
  const headings = [['Policy'], ['Severity'], ['Population', 'number'], ['Failures', 'number'], ['%', 'number'], ['Share', 'share'],
    ...(waived ? [['Waived', 'number']] : []), ['Unknown', 'number']];
  const row = (policy) => el('tr', { class: policy.violations ? 'failing' : null },
    policyName(policy, show), el('td', {}, policy.severities.map((each) => badge(each, each))), number(policy.population, '', 'of '), number(policy.violations, 'bad'),
    el('td', { class: 'number percent' }, policy.share === null ? '–' : policy.share.toFixed(policy.share && policy.share < 1 ? 2 : 1)),
    el('td', { class: 'share' }, policyBar(policy)), waived ? number(policy.waived, '', 'waived ') : null, number(policy.unknown, 'unknown', 'unknown '));
  return section('policies', 'Policies', ...capped(headings, ordered, LISTED_POLICIES, row, 'Policies'), legend());
}

function legend() {
  const kinds = [['bad', 'failure'], ['waived', 'waived'], ['unknown', 'unknown'], ['good', 'passes']];
  return el('p', { class: 'legend muted', 'aria-hidden': 'true' }, kinds.map(([kind, name]) => el('span', {}, el('i', { class: kind }), name)));
}

function changes(show) {
  const seen = names.change.filter((change) => report.policies.some((policy) => policy.changes[change]));
  const arrow = (old, now, label) => el('td', { class: 'number', 'data-label': label }, old === now ? count(now) : `${count(old)} → ${count(now)}`);
  const headings = [['Policy'], ['Population', 'number'], ['Failures', 'number'], ['Unknown', 'number'],
    ...seen.map((change) => [change === 'unknown' ? 'Newly unknown' : change[0].toUpperCase() + change.slice(1), 'number'])];
  const changed = (policy) => seen.some((change) => change !== 'persisting' && policy.changes[change]);
  const ordered = report.order.map((index) => report.policies[index]).sort((one, other) => changed(other) - changed(one));
  const row = (policy) => el('tr', {},
    policyName(policy, show), arrow(policy.before.population, policy.population, 'population '), arrow(policy.before.violations, policy.violations, 'failures '),
    arrow(policy.before.unknown, policy.unknown, 'unknown '), seen.map((change) => number(policy.changes[change], `change-${change}`, `${change} `)));
  return section('changes', 'What changed', ...capped(headings, ordered, LISTED_POLICIES, row, 'What changed'));
}

// What to fix first. In how many accounts is known when the findings are.
function fixFirst(show) {
  if (!report.fix.length) return null;
  const items = report.fix.slice(0, 5).map((index) => report.policies[index]).map((policy) => el('li', {},
    el('div', { class: 'step' },
      el('p', { class: 'what' }, el('button', { type: 'button', class: 'link', onclick: () => show({ policy: policy.id, status: 'fail' }) }, policy.title),
        policy.severities.map((each) => badge(each, each)), el('span', { class: 'muted' }, counted(policy.violations, 'failure'), el('span', { 'data-accounts': policy.id }))),
      policy.remediation ? el('p', {}, policy.remediation) : null)));
  const more = el('p', { class: 'legend muted' }, 'By severity, number, exposure and effort. stillframe remediate has it action by action.');
  return section('fix', 'Fix first', el('ol', { class: 'fix' }, items), more);
}

function fixWhere(accountsOf) {
  for (const place of document.querySelectorAll('[data-accounts]')) {
    const policy = report.policies[policyNumber.get(place.dataset.accounts)];
    place.textContent = ` in ${counted(accountsOf(policy), 'account')}`;
  }
}

// What to see to: that this is a part, what has lapsed. The first stand open, since they say how to read the rest.
function notes() {
  if (!report.notes.length) return null;
  const lines = report.notes.map((note) => el('li', {}, note));
  const rest = lines.splice(FEW_NOTES);
  return section('notes', 'To see to', el('ul', { class: 'notes' }, lines),
    rest.length ? el('details', {}, el('summary', { class: 'muted' }, counted(rest.length, 'more', 'more')), el('ul', { class: 'notes' }, rest)) : null);
}
