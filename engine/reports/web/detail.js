// One finding, with all that is known of it.

const dialog = document.getElementById('detail');
const COPIED = 1500;
const NAMED = 4; // a shorter text names no resource
const RELATED = 20;

function copier(text, title) {
  const button = el('button', { type: 'button', class: 'quiet copy', onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = title; }, COPIED);
  } }, title);
  return button;
}

const command = (text) => el('div', { class: 'command' }, el('pre', { tabindex: 0 }, el('code', {}, text)), copier(text, 'Copy'));

function facts(pairs) {
  return el('dl', {}, pairs.filter(([, value]) => value).map(([name, value]) => [el('dt', {}, name), el('dd', { class: 'mono' }, value)]));
}

const valueText = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

function evidenceTable(text) {
  const pairs = Object.entries(JSON.parse(text));
  if (!pairs.length) return el('p', { class: 'muted' }, 'Nothing could be read.');
  return el('dl', { class: 'evidence' }, pairs.map(([path, value]) => {
    const missing = value && typeof value === 'object' && typeof value.$missing === 'string';
    const shown = missing ? el('dd', {}, badge('unknown'), ` ${value.$missing}`) : el('dd', {}, el('pre', { tabindex: 0 }, valueText(value)));
    return [el('dt', { class: 'mono' }, path), shown];
  }));
}

// Only what is a web address becomes a link.
function link(address) {
  const web = /^https?:\/\//.test(address);
  return web ? el('a', { href: address, rel: 'noopener noreferrer', target: '_blank' }, address) : el('span', {}, address);
}

function part(title, ...children) {
  const shown = children.filter(Boolean);
  return shown.length ? [el('h3', {}, title), ...shown] : [];
}

async function lateText(columns, name, row, parts) {
  if (!columns[name]) return '';
  return restored((await lazily(`${name}Text`)).at(columns[name][row]), parts);
}

// What each lookup of a policy finds, by how.
const lookedUp = (policy) => policy.lookups.map(([name, type, by]) => el('li', {}, el('span', { class: 'mono' }, `$${name}`), ` ${type}${by ? ` where ${by}` : ''}`));

function textsIn(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [];
}

// Resources that evidence names and that have findings of their own: of those that are looked up, most often.
function namedIn(columns, evidence, own) {
  const { texts } = columns;
  const named = [...new Set(textsIn(evidence))].filter((text) => text.length >= NAMED && text !== own).slice(0, RELATED);
  return named.filter((text) => texts.resource.whole.includes(`\0${text}\0`) || texts.resource.whole.startsWith(`${text}\0`));
}

function others(columns, row) {
  const found = [];
  for (let other = 0; other < columns.count && found.length < RELATED; other += 1) if (columns.place[other] === columns.place[row] && other !== row) found.push(other);
  return found;
}

async function tagsOf(columns, row) {
  await readTags();
  const text = restored(tags.at(columns.tags[columns.place[row]]), []);
  return text ? JSON.parse(text) : {};
}

function tagList(found, show) {
  if ('$missing' in found) return el('p', {}, badge('unknown'), ` ${found.$missing}`);
  const entries = Object.entries(found);
  return entries.length ? el('p', { class: 'chips' }, entries.map(([key, value]) => el('button', { type: 'button', class: 'badge', onclick: () => show({ tag: `${key}=${value}` }) }, `${key}=${value}`))) : null;
}

async function detail(columns, row, { previous, next, open, show }) {
  const found = rowAt(columns, row);
  const around = (filter) => { dialog.close(); show(filter); };
  const [evidence, remediation, waiver, why] = await Promise.all(['evidence', 'remediation', 'waiver', 'why'].map((name) => lateText(columns, name, row, found.parts)));
  const [tagged, { policy }] = [await tagsOf(columns, row), found];
  const named = namedIn(columns, JSON.parse(evidence || '{}'), found.resource);
  const beside = others(columns, row).map((other) => rowAt(columns, other));
  const fingerprint = fingerprintOf(found);
  const became = columns.change ? [['Before', said(names.status[columns.before[row]] || 'not there')], ['After', said(names.status[columns.after[row]] || 'not there')]] : [];
  const step = (title, go) => el('button', { type: 'button', class: 'quiet', disabled: !go, onclick: go }, title);
  dialog.replaceChildren(
    el('div', { class: 'bar-top' }, step('Previous', previous), step('Next', next),
      el('button', { type: 'button', class: 'quiet close', onclick: () => dialog.close() }, 'Close')),
    el('div', { class: 'detail-body' },
      el('p', { class: 'marks' }, found.change ? badge(`change-${found.change}`, found.change) : null, badge(found.kind), badge(found.severity, found.severity)),
      el('h2', { id: 'detail-title', tabindex: -1 }, policy.title),
      found.message && found.message !== policy.title ? el('p', { class: 'message' }, found.message) : null,
      waiver ? el('p', { class: 'note' }, waiver) : null,
      facts([['Resource', found.resource], ['Name', found.name], ['Type', found.type],
        ['Account', report.titles[found.account] ? `${report.titles[found.account]} (${found.account})` : found.account], ['Unit', unitOf(found.account)], ['Region', found.region], ...became]),
      part('Tags', tagList(tagged, around)),
      why ? part('Why it changed', el('ul', { class: 'why' }, why.split('\n').map((line) => el('li', {}, line)))) : [],
      part('Evidence', evidenceTable(evidence)),
      found.status === 'fail' ? part('Remediation', policy.remediation ? el('p', {}, policy.remediation) : null, remediation ? command(remediation) : null) : [],
      part('Related', policy.lookups.length ? el('ul', {}, lookedUp(policy)) : null,
        policy.lookups.length ? command(`stillframe policy explain archive/${report.snapshot.id} ${policy.id} ${fingerprint}`) : null,
        named.length ? el('ul', {}, named.map((text) => el('li', {}, el('button', { type: 'button', class: 'link mono', onclick: () => around({ q: text }) }, text)))) : null,
        beside.length ? el('ul', { class: 'beside' }, beside.map((each) => el('li', {}, badge(each.kind), el('button', { type: 'button', class: 'link', onclick: () => open(each.row) }, ` ${each.policy.title}`)))) : null),
      part('Policy', el('p', { class: 'mono' }, policy.id), policy.description ? el('p', {}, policy.description) : null, policy.rationale ? el('p', {}, policy.rationale) : null,
        policy.controls.length ? el('p', { class: 'chips' }, policy.controls.map((control) => el('button', { type: 'button', class: 'badge', onclick: () => around({ control }) }, control))) : null,
        policy.references.length ? el('ul', {}, policy.references.map((address) => el('li', {}, link(address)))) : null),
      part('Fingerprint', el('div', { class: 'command' }, el('pre', { tabindex: 0 }, fingerprint), copier(fingerprint, 'Copy'))),
    ),
  );
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  document.getElementById('detail-title').focus();
  history.replaceState(null, '', `#${fingerprint}`);
}
