// How the numbers went through the snapshots of an archive.

const POPULATION = 0, FAILURES = 1, SHARE = 3;

// Failures in each snapshot, by severity, as bars of a stack.
function stacks() {
  const totals = report.trend.map((point) => names.severity.map((severity) =>
    sum(report.policies.filter((policy) => policy.severity === severity && point.rows[policy.id]).map((policy) => point.rows[policy.id][FAILURES]))));
  const most = Math.max(...totals.map(sum), 1);
  const room = 100 / totals.length;
  const bars = totals.flatMap((counts, number) => {
    let top = 100;
    return counts.map((value, rank) => {
      const height = (100 * value) / most;
      top -= height;
      return svg('rect', { class: `part ${names.severity[rank]}`, x: room * (number + 0.1), width: room * 0.8, y: top, height });
    });
  });
  const words = report.trend.map((point, number) => `${moment(point.time)}: ${count(sum(totals[number]))}`).join('; ');
  const [first, last] = [report.trend[0], report.trend.at(-1)];
  return el('div', { class: 'chart' },
    el('p', { class: 'muted peak' }, `Failures, at most ${count(most)}`),
    svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', role: 'img', 'aria-label': `Failures: ${words}` }, bars),
    el('p', { class: 'muted' }, el('span', {}, day(first.time)), el('span', {}, counted(report.trend.length, 'snapshot')), el('span', {}, day(last.time))));
}

// One policy's share of failures as a line; where nothing is known, there is none.
function spark(values, label) {
  const most = Math.max(...values.map((value) => value || 0), 1);
  const lines = [[]];
  values.forEach((value, number) => {
    if (value === null) lines.push([]);
    else lines.at(-1).push(`${(100 * number) / Math.max(values.length - 1, 1)},${28 - (26 * value) / most}`);
  });
  return svg('svg', { class: 'spark', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    lines.filter((points) => points.length).map((points) => svg('polyline', { points: (points.length > 1 ? points : [points[0], points[0]]).join(' ') })));
}

function trend(show) {
  const moved = (was, now, label) => el('td', { class: 'number', 'data-label': label }, was === now ? now : `${was} → ${now}`);
  const [first, last] = [report.trend[0], report.trend.at(-1)];
  const share = (row) => (row[SHARE] === null ? '–' : row[SHARE].toFixed(1));
  const rows = report.order.map((index) => report.policies[index]).filter((policy) => first.rows[policy.id] && last.rows[policy.id]).map((policy) => {
    const [was, now] = [first.rows[policy.id], last.rows[policy.id]];
    const shares = report.trend.map((point) => point.rows[policy.id][SHARE]);
    return el('tr', {}, policyName(policy, show),
      moved(count(was[POPULATION]), count(now[POPULATION]), 'population '), moved(count(was[FAILURES]), count(now[FAILURES]), 'failures '),
      moved(share(was), share(now), '% '), el('td', { class: 'spark-cell' }, spark(shares, `from ${share(was)} to ${share(now)} per cent`)));
  });
  const headings = [['Policy'], ['Population', 'number'], ['Failures', 'number'], ['%', 'number'], ['Per cent through time', 'share']];
  return section('trend', 'Trend', stacks(), table(headings, rows, 'Trend'));
}
