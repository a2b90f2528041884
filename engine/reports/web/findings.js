// The table of findings. Only the rows in view are elements, so that a table of a million rows is as quick as one of ten.

const TALLEST = 12e6; // browsers give up on taller elements; beyond it, scrolling is stretched
const PRINTED = 300;
const narrow = matchMedia('(max-width: 760px)');
const COLUMNS = [
  ...(report.before ? [['change', 'Change']] : []),
  ['status', 'Status'], ['severity', 'Severity'], ['policy', 'Policy'], ['account', 'Account'], ['region', 'Region'], ['resource', 'Resource'],
];
const NO_FILTER = { q: '', ...Object.fromEntries(FILTERS.map(([key]) => [key, []])) };
const START = { ...NO_FILTER, sort: report.before ? 'change' : 'status', down: false };
const CHIPS = 4;

// What a filter says, whichever way it is written: each of its keys has a list of values.
const listed = (filter) => Object.fromEntries(Object.entries(filter).map(([key, value]) => [key, Array.isArray(START[key]) ? [value].flat() : value]));

function findings(columns, queries, open) {
  let state = { ...START };
  let rows = new Uint32Array();
  let active = 0;
  const choices = new Map();

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
      severity: [badge(found.severity, found.severity)],
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
    state = { ...(keep ? state : { ...START, sort: state.sort, down: state.down }), ...listed(change) };
    if (state.tag.length && !tags) { readTags().then(() => show({}, { keep: true })); return; }
    rows = queries.select(state);
    active = 0;
    view.scrollTop = 0;
    body.style.height = `${whole()}px`;
    view.setAttribute('aria-rowcount', rows.length + 1);
    view.classList.toggle('few', rows.length < 8);
    counter.textContent = rows.length === columns.count ? counted(rows.length, 'finding') : `${count(rows.length)} of ${counted(columns.count, 'finding')}`;
    if (search.value !== state.q) search.value = state.q;
    for (const { told } of choices.values()) told();
    chips.replaceChildren(...FILTERS.flatMap(([key, title]) => (state[key].length > CHIPS ? [chip(key, title, [])]
      : state[key].map((value) => chip(key, `${title}: ${key === 'status' ? (STATUS_FILTERS[value] || [value])[0] : value}`, state[key].filter((each) => each !== value))))));
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

  const chip = (key, text, left) => el('button', { type: 'button', class: 'chip', 'aria-label': `Remove ${text}`, onclick: () => { show({ [key]: left }, { keep: true }); remember(); } }, text);

  // The address shows the filters, so that it can be passed on.
  function remember() {
    const told = Object.entries(state).flatMap(([key, value]) => (Array.isArray(value) ? value.map((each) => [key, each]) : value === START[key] ? [] : [[key, value]]));
    history.replaceState(null, '', `#${told.length ? new URLSearchParams(told) : 'findings'}`);
  }

  const search = el('input', { type: 'search', id: 'search', placeholder: 'Search resources, accounts, policies, messages', 'aria-label': 'Search findings', autocomplete: 'off', spellcheck: 'false' });
  search.addEventListener('input', () => { show({ q: search.value }, { keep: true }); remember(); });
  for (const [key, title, options] of FILTERS) {
    const found = options();
    if (!Array.isArray(found) || found.length) choices.set(key, choice(key, title, found, () => state[key], (values) => { show({ [key]: values }, { keep: true }); remember(); }));
  }
  const chips = el('p', { class: 'chips' });
  const save = el('button', { type: 'button', class: 'quiet', id: 'export', onclick: async () => {
    save.disabled = true;
    const told = (at) => { save.textContent = `${Math.floor((100 * at) / rows.length)} % …`; };
    saved(await exported(columns, rows, told), `${report.snapshot.id}-findings.csv`);
    save.textContent = 'Save as CSV';
    save.disabled = false;
  } }, 'Save as CSV');
  const tools = el('div', { class: 'tools', role: 'search' }, search, [...choices.values()].map(({ elements }) => elements),
    el('button', { type: 'button', class: 'quiet', onclick: () => { show({}); remember(); } }, 'Reset'), save);

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
  const element = section('findings', 'Findings', tools, chips, counter, view, more);
  return {
    element,
    show: (change, options) => { show(change, options); remember(); },
    draw: () => show(state, { keep: true }),
    go,
    rows: () => rows,
    view,
    remember,
    search,
  };
}
