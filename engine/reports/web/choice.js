// A filter: a button, and a panel with its choices, of which several may be ticked.

const LISTED = 100;

function choice(key, title, choices, chosen, change) {
  const button = el('button', { type: 'button', class: 'quiet choice', id: `filter-${key}`, 'aria-haspopup': 'dialog', 'aria-expanded': 'false', popovertarget: `choices-${key}` }, title);
  const search = el('input', { type: 'search', 'aria-label': `Search ${title.toLowerCase()}`, placeholder: 'Search', autocomplete: 'off', spellcheck: 'false' });
  const list = el('div', { class: 'choices', role: 'group', 'aria-label': title });
  const panel = el('div', { class: 'panel', popover: 'auto', id: `choices-${key}`, role: 'dialog', 'aria-label': `Filter by ${title.toLowerCase()}` }, search, list);
  let all = [];

  function listed() {
    const text = search.value.toLowerCase();
    const ticked = chosen();
    const there = new Set(all.map(([value]) => value));
    const known = [...ticked.filter((value) => !there.has(value)).map((value) => [value, value]), ...all];
    const fitting = known.filter(([value, name]) => `${value} ${name}`.toLowerCase().includes(text))
      .sort(([one], [other]) => ticked.includes(other) - ticked.includes(one));
    const rows = fitting.slice(0, LISTED).map(([value, name]) => {
      const box = el('input', { type: 'checkbox', value, checked: ticked.includes(value) });
      box.addEventListener('change', () => change(box.checked ? [...chosen(), value] : chosen().filter((each) => each !== value)));
      return el('label', {}, box, el('span', {}, name));
    });
    const more = fitting.length > LISTED ? el('p', { class: 'muted' }, `${counted(fitting.length - LISTED, 'more', 'more')}: search for them`) : null;
    list.replaceChildren(...[...rows, more].filter(Boolean));
    if (!rows.length) list.append(el('p', { class: 'muted' }, key === 'tag' && text ? 'Enter takes it as it is written.' : 'Nothing fits.'));
  }

  search.addEventListener('input', listed);
  search.addEventListener('keydown', (event) => {
    const box = list.querySelector('input');
    if (event.key !== 'Enter') return;
    if (box) box.click();
    else if (key === 'tag' && search.value) { change([...chosen(), search.value]); listed(); }
  });
  panel.addEventListener('toggle', async (event) => {
    const open = event.newState === 'open';
    button.setAttribute('aria-expanded', open);
    if (!open) { search.value = ''; return; } // not when it opens: somebody may type already
    const room = button.getBoundingClientRect();
    panel.style.left = `${Math.max(8, Math.min(room.left, innerWidth - panel.offsetWidth - 8))}px`;
    panel.style.top = `${Math.max(8, Math.min(room.bottom + 4, innerHeight - panel.offsetHeight - 8))}px`;
    if (!all.length) all = await choices();
    search.hidden = all.length < 9 && key !== 'tag';
    listed();
    (search.hidden ? list.querySelector('input') : search)?.focus();
  });
  const named = (value) => (all.find(([each]) => each === value) || [value, value])[1];
  const told = () => { button.textContent = chosen().length ? `${title}: ${chosen().length === 1 ? named(chosen()[0]) : count(chosen().length)}` : title; button.classList.toggle('on', chosen().length > 0); };
  if (Array.isArray(choices)) all = choices;
  return { elements: [button, panel], told };
}
