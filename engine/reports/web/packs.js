// Packs: of each and of its sections the score, and beside it all that policies did not decide; and every control.

const OUTCOMES = { fail: 'bad', unknown: 'unknown', unanswered: 'unknown', left_out: 'unknown', manual: 'low', waived: 'waived', attested: 'attested', pass: 'good', not_applicable: 'waived' };
const OUTCOME_BADGES = { manual: 'low', unanswered: 'unknown', left_out: 'unknown' };
const DECIDED = ['fail', 'waived', 'pass'];
const FEW_CONTROLS = 12;
const outcome = (status) => status.replace('_', ' ');

function packs(show) {
  return report.packs.map((pack, at) => section(`pack-${at}`, pack.title, scored(pack), ...pack.sections.map((part) => sectionScore(pack, part, show))));
}

const there = (counts) => Object.entries(counts).filter(([, number]) => number);
const worded = (counts) => there(counts).map(([status, number]) => `${count(number)} ${outcome(status)}`);
const scoreOf = (part) => (part.score === null ? '–' : `${Math.floor(part.score)} %`);
const besides = (counts) => worded(Object.fromEntries(there(counts).filter(([status]) => !DECIDED.includes(status))));
const outcomeBar = (counts, label) => bar(there(counts).map(([status, number]) => [OUTCOMES[status], number]), sum(Object.values(counts)), label);

function scored(pack) {
  const beside = besides(pack.counts);
  const said = pack.decided ? `${count(pack.counts.pass)} of ${counted(pack.decided, 'decided control')} pass` : 'Nothing is decided';
  return el('div', { class: 'scored' },
    el('p', { class: 'score' }, scoreOf(pack)),
    el('div', {}, el('p', {}, said), el('p', { class: 'muted' }, beside.length ? `Of ${counted(pack.controls, 'control')} not in it: ${beside.join(', ')}.` : `All ${counted(pack.controls, 'control')} are decided.`),
      outcomeBar(pack.counts, `${counted(pack.controls, 'control')}: ${worded(pack.counts).join(', ')}`)));
}

function sectionScore(pack, part, show) {
  const words = worded(part.counts).join(', ');
  const headings = [['Control'], ['Title'], ['Status'], ['Population', 'number'], ['Failures', 'number'], ['Unknown', 'number'], ['Behind it']];
  return el('details', { class: 'part-of-pack', open: pack.controls <= FEW_CONTROLS },
    el('summary', {}, el('span', { class: 'title' }, sectionTitle(part)), el('span', { class: 'percent' }, scoreOf(part)),
      outcomeBar(part.counts, words), el('span', { class: 'muted words' }, words)),
    table(headings, part.controls.map((control) => controlRow(pack, control, show)), sectionKey(pack, part)));
}

function controlRow(pack, control, show) {
  const total = (name) => sum(control.policies.map((policy) => policy[name]));
  const numbers = [['population', '', 'of '], ['violations', 'bad', ''], ['unknown', 'unknown', 'unknown ']];
  const title = control.policies.length
    ? el('button', { type: 'button', class: 'link', onclick: () => show({ control: controlKey(pack, control) }) }, control.title)
    : control.title;
  const said = control.attestation;
  const behind = said ? `${said.who}, ${said.when}, until ${said.expires}: ${said.evidence}` : control.why || '';
  return el('tr', {}, el('td', { class: 'mono' }, control.control), el('td', {}, title),
    el('td', {}, badge(OUTCOME_BADGES[control.status] || control.status, outcome(control.status))),
    numbers.map(([name, kind, label]) => (control.policies.length ? number(total(name), kind, label) : el('td', {}))), el('td', { class: 'muted' }, behind));
}
