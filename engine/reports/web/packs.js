// Packs: of each the share of every status, and its controls with what is behind them.

const OUTCOMES = { fail: 'bad', unknown: 'unknown', unanswered: 'unknown', left_out: 'unknown', manual: 'low', waived: 'waived', attested: 'good', pass: 'good', not_applicable: 'waived' };
const OUTCOME_BADGES = { attested: 'pass', manual: 'low', unanswered: 'unknown', left_out: 'unknown' };
const outcome = (status) => status.replace('_', ' ');

function packs(show) {
  return report.packs.map((pack, at) => {
    const told = Object.entries(pack.counts).filter(([, number]) => number);
    const words = told.map(([status, number]) => `${count(number)} ${outcome(status)} (${percent(pack.shares[status])})`);
    const headings = [['Control'], ['Title'], ['Status'], ['Population', 'number'], ['Failures', 'number'], ['Unknown', 'number'], ['Behind it']];
    return section(`pack-${at}`, pack.title,
      el('p', {}, `${counted(pack.controls, 'control')}: ${words.join(', ')}`),
      bar(told.map(([status, number]) => [OUTCOMES[status], number]), pack.controls, words.join(', ')),
      table(headings, pack.sections.flatMap((part) => [sectionRow(part), ...part.controls.map((control) => controlRow(control, show))]), pack.title));
  });
}

const sectionRow = (part) => el('tr', { class: 'pack-section' }, el('th', { scope: 'rowgroup', colspan: 7 }, [part.number, part.title].filter(Boolean).join(' ')));

function controlRow(control, show) {
  const total = (name) => sum(control.policies.map((policy) => policy[name]));
  const numbers = [['population', '', 'of '], ['violations', 'bad', ''], ['unknown', 'unknown', 'unknown ']];
  const title = control.policies.length
    ? el('button', { type: 'button', class: 'link', onclick: () => show({ policy: worst(control).policy }) }, control.title)
    : control.title;
  const said = control.attestation;
  const behind = said ? `${said.who}, ${said.when}, until ${said.expires}: ${said.evidence}` : control.why || '';
  return el('tr', {}, el('td', { class: 'mono' }, control.control), el('td', {}, title),
    el('td', {}, badge(OUTCOME_BADGES[control.status] || control.status, outcome(control.status))),
    numbers.map(([name, kind, label]) => (control.policies.length ? number(total(name), kind, label) : el('td', {}))), el('td', { class: 'muted' }, behind));
}

// Of a control's policies the one to look at.
const worst = (control) => [...control.policies].sort((one, other) => other.violations - one.violations || other.unknown - one.unknown)[0];
