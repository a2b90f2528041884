// The table of findings. Only the rows in view are elements, so that a table of a million rows is as quick as one of ten.

const TALLEST = 12e6; // browsers give up on taller elements; beyond it, scrolling is stretched
const PRINTED = 300;
const narrow = matchMedia('(max-width: 760px)');
const COLUMNS = [
  ...(report.before ? [['change', 'Change']] : []),
  ['status', 'Status'], ['severity', 'Severity'], ['policy', 'Policy'], ['account', 'Account'], ['region', 'Region'], ['resource', 'Resource'],
];
const START = { q: '', status: '', severity: '', policy: '', account: '', region: '', change: '', sort: report.before ? 'change' : 'status', down: false };

function findings(columns, queries, open) {
  let state = { ...START };
  let rows = new Uint32Array();
  let active = 0;
  const controls = {};

  const counter = el('p', { class: 'counter muted', role: 'status' });
  const body = el('div', { class: 'rows', role: 'rowgroup' });
  const view = el('div', { class: 'view', tabindex: 0, role: 'grid', 'aria-label': 'Findings', 'aria-colcount': COLUMNS.length });
  const head = el('div', { class: 'row head', role: 'row', 'aria-rowindex': 1 }, COLUMNS.map(([key, title]) =>
    el('div', { class: `cell ${key}`, role: 'columnheader' }, el('button', { type: 'button', class: 'sort', tabindex: -1, onclick: () => sort(key) }, title))));
  view.append(el('div', { role: 'rowgroup', class: 'sticky' }, head), body);

  const height = () => (narrow.matches ? 92 : 52);
  const whole = () => Math.min(rows.length * height(), TALLEST);
  const room = () => Math.max(view.clientHeight - head.offsetHeight, height());
  // How many pixels of rows one pixel of scrolling is.
  const stretch = () => (whole() > room() ? (rows.length * height() - room()) / (whole() - room()) : 1);

  function draw() {
    const [tall, top] = [height(), view.scrollTop];
    const first = (top * stretch()) / tall;
    const from = Math.max(Math.floor(first) - 4, 0);
    const to = Math.min(Math.ceil(first + room() / tall) + 4, rows.length);
    const shown = [];
    for (let at = from; at < to; at += 1) {
      const line = rowElement(at);
      line.style.transform = `translateY(${top + (at - first) * tall}px)`;
      shown.push(line);
    }
    body.replaceChildren(...shown);
    mark();
  }

  function rowElement(at) {
    const found = rowAt(columns, rows[at]);
    const cells = {
      change: [badge(`change-${found.change}`, found.change)],
      status: [badge(found.kind)],
      severity: [badge(found.policy.severity, found.policy.severity)],
      policy: [el('span', {}, found.policy.title), el('span', { class: 'muted' }, found.policy.id)],
      account: [el('span', {}, report.titles[found.account] || found.account), report.titles[found.account] ? el('span', { class: 'muted' }, found.account) : null],
      region: [found.region],
      resource: [el('span', { class: 'mono' }, found.name || found.resource), el('span', { class: 'muted' }, found.message)],
    };
    return el('div', { class: 'row', role: 'row', id: `row-${at}`, 'aria-rowindex': at + 2, onclick: () => { active = at; open(at); } },
      COLUMNS.map(([key]) => el('div', { class: `cell ${key}`, role: 'gridcell' }, cells[key])));
  }

  function mark() {
    for (const line of body.children) line.classList.toggle('active', line.id === `row-${active}`);
    if (document.getElementById(`row-${active}`)) view.setAttribute('aria-activedescendant', `row-${active}`);
    else view.removeAttribute('aria-activedescendant');
  }

  function go(at) {
    active = Math.max(0, Math.min(at, rows.length - 1));
    const [top, tall] = [(view.scrollTop * stretch()), height()];
    if (active * tall < top) view.scrollTop = (active * tall) / stretch();
    else if ((active + 1) * tall > top + room()) view.scrollTop = ((active + 1) * tall - room()) / stretch();
    draw();
  }

  function show(change, { keep = false } = {}) {
    state = keep ? { ...state, ...change } : { ...START, sort: state.sort, down: state.down, ...change };
    rows = queries.select(state);
    active = 0;
    view.scrollTop = 0;
    body.style.height = `${whole()}px`;
    view.setAttribute('aria-rowcount', rows.length + 1);
    view.classList.toggle('few', rows.length < 8);
    counter.textContent = rows.length === columns.count ? counted(rows.length, 'finding') : `${count(rows.length)} of ${counted(columns.count, 'finding')}`;
    for (const [key, control] of Object.entries(controls)) control.value = state[key];
    [...head.children].forEach((cell, number) => {
      const sorted = COLUMNS[number][0] === state.sort;
      cell.setAttribute('aria-sort', sorted ? (state.down ? 'descending' : 'ascending') : 'none');
    });
    draw();
  }

  function sort(key) {
    show({ sort: key, down: state.sort === key && !state.down }, { keep: true });
    remember();
  }

  // The address shows the filters, so that it can be passed on.
  function remember() {
    const told = Object.entries(state).filter(([key, value]) => value !== START[key]);
    history.replaceState(null, '', `#${told.length ? new URLSearchParams(told) : 'findings'}`);
  }

  function choice(key, title, options) {
    controls[key] = el('select', { id: `filter-${key}` }, el('option', { value: '' }, `${title}: all`), options.map(([value, name]) => el('option', { value }, name)));
    controls[key].addEventListener('change', () => { show({ [key]: controls[key].value }, { keep: true }); remember(); });
    return el('label', { class: 'choice' }, el('span', { class: 'hidden' }, title), controls[key]);
  }

  controls.q = el('input', { type: 'search', id: 'search', placeholder: 'Search resources, accounts, policies, messages', 'aria-label': 'Search findings', autocomplete: 'off', spellcheck: 'false' });
  controls.q.addEventListener('input', () => { show({ q: controls.q.value }, { keep: true }); remember(); });
  const plain = (values) => values.map((value) => [value, value]);
  const account = (id) => [id, report.titles[id] ? `${report.titles[id]} (${id})` : id];
  const tools = el('div', { class: 'tools', role: 'search' }, controls.q,
    report.before ? choice('change', 'Change', plain(names.change)) : null,
    choice('status', 'Status', Object.entries(STATUS_FILTERS).map(([value, [name]]) => [value, name])),
    choice('severity', 'Severity', plain(names.severity)),
    choice('policy', 'Policy', report.order.map((index) => [report.policies[index].id, report.policies[index].id])),
    choice('account', 'Account', names.account.map(account)),
    choice('region', 'Region', plain([...names.region].sort())),
    el('button', { type: 'button', class: 'quiet', onclick: () => { show({}); remember(); } }, 'Reset'));

  const KEYS = { ArrowDown: () => active + 1, ArrowUp: () => active - 1, PageDown: () => active + Math.floor(room() / height()),
    PageUp: () => active - Math.floor(room() / height()), Home: () => 0, End: () => rows.length - 1 };
  view.addEventListener('keydown', (event) => {
    if (KEYS[event.key]) go(KEYS[event.key]());
    else if ((event.key === 'Enter' || event.key === ' ') && rows.length && event.target === view) open(active);
    else return;
    event.preventDefault();
  });
  view.addEventListener('scroll', draw, { passive: true });
  addEventListener('resize', () => { body.style.height = `${whole()}px`; draw(); });
  addEventListener('beforeprint', () => body.replaceChildren(...Array.from({ length: Math.min(rows.length, PRINTED) }, (_, at) => rowElement(at))));
  addEventListener('afterprint', draw);

  const more = el('p', { class: 'printed muted' }, `On paper are the first ${PRINTED} at most.`);
  const element = section('findings', 'Findings', tools, counter, view, more);
  return {
    element,
    show: (change, options) => { show(change, options); remember(); },
    draw: () => show(state, { keep: true }),
    go,
    rows: () => rows,
    view,
    remember,
    search: controls.q,
  };
}
