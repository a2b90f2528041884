// The page: what the summary shows at once, and then what has to be unpacked.

const main = document.getElementById('main');

function themes() {
  const [root, button] = [document.documentElement, document.getElementById('theme')];
  const dark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  const named = () => { button.textContent = dark() ? 'Light' : 'Dark'; };
  button.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; named(); });
  named();
}

async function start() {
  themes();
  let list = null;
  const show = (filter) => {
    if (!list) return;
    list.show(filter);
    list.element.scrollIntoView();
    list.view.focus({ preventScroll: true });
  };
  const [unknown, much] = [unknownCauses(show), muchUnknown()];
  const said = [headline(), report.before ? changeTiles(show) : tiles(show), notes(), much ? unknown : null, fixFirst(show),
    report.before ? changes(show) : null, ...packs(show), report.trend.length > 1 ? trend(show) : null, much ? null : unknown];
  const loading = el('p', { class: 'muted', role: 'status' }, 'Unpacking the findings …');
  main.append(...said.filter(Boolean), loading);
  listSections();

  const columns = await readColumns();
  const queries = openQueries(columns);
  const open = (at) => one(list.rows()[at], at);
  const one = (row, at = -1) => detail(columns, row, {
    open: one, show,
    previous: at > 0 ? () => { list.go(at - 1); open(at - 1); } : null,
    next: at >= 0 && at + 1 < list.rows().length ? () => { list.go(at + 1); open(at + 1); } : null,
  });
  list = findings(columns, queries, open);
  fixWhere(failingAccounts(columns, queries.kinds));
  loading.remove();
  main.append(where(columns, queries.kinds, show), policies(show), list.element);

  listSections();
  dialog.addEventListener('close', () => { list.remember(); list.view.focus({ preventScroll: true }); });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  // Paper has no buttons: all that is folded or held back stands there.
  addEventListener('beforeprint', () => {
    for (const each of document.querySelectorAll('details')) each.open = true;
    for (const each of document.querySelectorAll('button.more')) while (!each.hidden) each.click();
  });
  addEventListener('keydown', (event) => {
    const typing = event.target.closest('input, select, textarea, dialog, [popover]');
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); list.search.focus(); }
  });

  // What the address says: a finding, filters, or a section.
  function follow() {
    const hash = location.hash.slice(1);
    if (/^[0-9a-f]{40}$/.test(hash)) {
      const row = rowOf(columns, hash);
      list.draw();
      if (row < 0) { list.element.prepend(el('p', { class: 'note', role: 'alert' }, `No finding here has the fingerprint ${hash}.`)); return; }
      const at = list.rows().indexOf(row);
      if (at >= 0) list.go(at);
      one(row, at);
      return;
    }
    const given = hash.includes('=') ? [...new URLSearchParams(hash)].filter(([key]) => key in START) : [];
    const state = {};
    for (const [key, value] of given) {
      if (Array.isArray(START[key])) state[key] = [...(state[key] || []), value];
      else state[key] = key === 'down' ? value === 'true' : value;
    }
    if (!COLUMNS.some(([key]) => key === state.sort)) delete state.sort;
    if (given.length) list.show(state);
    else list.draw();
    (given.length ? list.element : document.getElementById(hash))?.scrollIntoView({ behavior: 'instant' });
  }
  addEventListener('hashchange', follow);
  follow();
  document.documentElement.dataset.ready = 'true';
}

start().catch((fault) => {
  main.append(el('p', { class: 'note', role: 'alert' }, `This report cannot be shown here: ${fault.message}. It needs a browser of 2023 or later.`));
  document.documentElement.dataset.ready = 'failed';
});
