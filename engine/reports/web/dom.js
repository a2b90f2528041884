// Elements. All text goes in as text: no string ever becomes markup.

const SVG = 'http://www.w3.org/2000/svg';

function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') element.addEventListener('click', value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== ''));
  return element;
}

const whole = new Intl.NumberFormat('en');
const count = (number) => whole.format(number);
const counted = (number, one, more = `${one}s`) => `${count(number)} ${number === 1 ? one : more}`;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

const WORDS = { vanished: 'gone', not_applicable: 'does not apply', waived: 'waived', unknown: 'unknown', pass: 'passes', fail: 'fails', error: 'error' };
const said = (word) => WORDS[word] || word;

const clock = (timeStyle) => new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle, timeZone: 'UTC' });
const moment = (time) => clock('short').format(new Date(time));
const shortDay = (time) => new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(time));
const span = (from, to) => clock(from.slice(0, 16) === to.slice(0, 16) ? 'medium' : 'short').formatRange(new Date(from), new Date(to));

// Shares of one bar, each a class and a number.
function bar(parts, total, label) {
  let from = 0;
  const pieces = parts.map(([kind, number]) => {
    const width = total ? (100 * number) / total : 0;
    const piece = svg('rect', { class: `part ${kind}`, x: from, width, height: 10 });
    from += width;
    return piece;
  });
  return svg('svg', { class: 'bar', viewBox: '0 0 100 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, pieces);
}

const badge = (kind, text = said(kind)) => el('span', { class: `badge ${kind}` }, text);

function section(id, title, ...children) {
  return el('section', { id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title`, tabindex: -1 }, title), ...children);
}

// Links to the sections, as they stand.
function listSections() {
  const links = [...document.querySelectorAll('section')].map((each) => el('a', { href: `#${each.id}` }, each.dataset.short || each.querySelector('h2').textContent));
  document.getElementById('sections').replaceChildren(...links);
}

// A table of some rows. Each of `rows` is one, or all of them are a body.
function table(headings, rows, caption) {
  const body = Array.isArray(rows) ? el('tbody', {}, rows) : rows;
  const head = headings.map(([name, kind]) => el('th', { scope: 'col', class: kind || null }, name));
  return el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
    el('table', {}, el('caption', { class: 'hidden' }, caption), el('thead', {}, el('tr', {}, head)), body));
}

// A table of the first rows, and a button for more. A row is made when it is shown.
const STEP = 200;
function capped(headings, items, most, row, caption) {
  const body = el('tbody', {}, items.slice(0, most).map(row));
  const left = () => items.length - body.children.length;
  const said = () => (left() > STEP ? `Show ${STEP} more of ${count(left())}` : `Show the other ${count(left())}`);
  const more = left() ? el('button', { type: 'button', class: 'quiet more', onclick: () => {
    const at = body.children.length;
    body.append(...items.slice(at, at + STEP).map(row));
    more.textContent = said();
    more.hidden = !left();
  } }, said()) : null;
  return [table(headings, body, caption), more].filter(Boolean);
}
