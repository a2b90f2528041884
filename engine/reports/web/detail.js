// One finding, with all that is known of it.

const dialog = document.getElementById('detail');
const COPIED = 1500;

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

async function detail(columns, row, { previous, next }) {
  const found = rowAt(columns, row);
  const [evidence, remediation, waiver, why] = await Promise.all(['evidence', 'remediation', 'waiver', 'why'].map((name) => lateText(columns, name, row, found.parts)));
  const { policy } = found;
  const fingerprint = fingerprintOf(found);
  const became = columns.change ? [['Before', said(names.status[columns.before[row]] || 'not there')], ['After', said(names.status[columns.after[row]] || 'not there')]] : [];
  const step = (title, go) => el('button', { type: 'button', class: 'quiet', disabled: !go, onclick: go }, title);
  dialog.replaceChildren(
    el('div', { class: 'bar-top' }, step('Previous', previous), step('Next', next),
      el('button', { type: 'button', class: 'quiet close', onclick: () => dialog.close() }, 'Close')),
    el('div', { class: 'detail-body' },
      el('p', { class: 'marks' }, found.change ? badge(`change-${found.change}`, found.change) : null, badge(found.kind), badge(policy.severity, policy.severity)),
      el('h2', { id: 'detail-title', tabindex: -1 }, policy.title),
      found.message && found.message !== policy.title ? el('p', { class: 'message' }, found.message) : null,
      waiver ? el('p', { class: 'note' }, waiver) : null,
      facts([['Resource', found.resource], ['Name', found.name], ['Type', found.type],
        ['Account', report.titles[found.account] ? `${report.titles[found.account]} (${found.account})` : found.account], ['Region', found.region], ...became]),
      why ? part('Why it changed', el('ul', { class: 'why' }, why.split('\n').map((line) => el('li', {}, line)))) : [],
      part('Evidence', evidenceTable(evidence)),
      found.status === 'fail' ? part('Remediation', policy.remediation ? el('p', {}, policy.remediation) : null, remediation ? command(remediation) : null) : [],
      part('Policy', el('p', { class: 'mono' }, policy.id), policy.description ? el('p', {}, policy.description) : null, policy.rationale ? el('p', {}, policy.rationale) : null,
        policy.controls.length ? el('p', { class: 'controls' }, policy.controls.map((control) => el('span', { class: 'badge' }, control))) : null,
        policy.references.length ? el('ul', {}, policy.references.map((address) => el('li', {}, link(address)))) : null),
      part('Fingerprint', el('div', { class: 'command' }, el('pre', { tabindex: 0 }, fingerprint), copier(fingerprint, 'Copy'))),
    ),
  );
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  document.getElementById('detail-title').focus();
  history.replaceState(null, '', `#${fingerprint}`);
}
