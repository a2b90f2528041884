// How the numbers went through the snapshots of an archive.

const POPULATION = 0, FAILURES = 1, SHARE = 3, FAILING = 4;

// A chart with its axes: numbers on the left, dates below.
function chart(title, label, top, shapes) {
  const times = report.trend.map((point) => point.time);
  const middle = times.length > 2 ? [times[Math.floor((times.length - 1) / 2)]] : [];
  return el('figure', { class: 'chart' }, el('figcaption', {}, title),
    el('div', { class: 'plot' },
      el('div', { class: 'axis muted', 'aria-hidden': 'true' }, [top, top / 2, 0].map((value) => el('span', {}, count(value)))),
      svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
        [0, 50, 100].map((y) => svg('line', { class: 'grid', x1: 0, x2: 100, y1: y, y2: y })), shapes)),
    el('p', { class: 'muted dates' }, [times[0], ...middle, times.at(-1)].map((time) => el('span', {}, shortDay(time)))));
}

// Snapshots as bars of a stack, each part a class and a number.
function stacks(title, points, top, label) {
  const room = 100 / points.length;
  return chart(title, label, top, points.flatMap((parts, number) => {
    let y = 100;
    return parts.map(([kind, value]) => {
      const height = (100 * value) / top;
      y -= height;
      return svg('rect', { class: `part ${kind}`, x: room * (number + 0.1), width: room * 0.8, y, height });
    });
  }));
}

// The least round number that is not below another, and even.
function rounded(most) {
  const step = 10 ** Math.floor(Math.log10(most));
  return Math.max(2, [1, 2, 4, 6, 8, 10].map((times) => times * step).find((value) => value >= most));
}

function failuresChart() {
  const totals = report.trend.map((point) => bySeverity(Object.values(point.rows).map((row) => row[FAILING])).map((number, rank) => [names.severity[rank], number]));
  const all = totals.map((parts) => sum(parts.map(([, value]) => value)));
  const words = report.trend.map((point, number) => `${moment(point.time)}: ${count(all[number])}`).join('; ');
  return stacks('Failures, by severity', totals, rounded(Math.max(...all, 1)), `Failures: ${words}`);
}

// A share as a line between 0 and the top; where nothing is known, there is none.
function spark(values, label, top = Math.max(...values.map((value) => value || 0), 1)) {
  const lines = [[]];
  values.forEach((value, number) => {
    if (value === null) lines.push([]);
    else lines.at(-1).push(`${(100 * number) / Math.max(values.length - 1, 1)},${28 - (26 * value) / top}`);
  });
  return svg('svg', { class: 'spark', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    svg('line', { class: 'grid', x1: 0, x2: 100, y1: 28, y2: 28 }),
    lines.filter((points) => points.length).map((points) => svg('polyline', { points: (points.length > 1 ? points : [points[0], points[0]]).join(' ') })));
}

const moved = (was, now, label) => el('td', { class: 'number', 'data-label': label }, was === now ? now : `${was} → ${now}`);
const through = () => `${shortDay(report.trend[0].time)} to ${shortDay(report.trend.at(-1).time)}`;

// A pack: the share of each status in each snapshot, and of each section its score.
function packTrend(pack, at) {
  const points = report.trend.map((point) => point.packs[at]);
  const parts = points.map((point) => there(point.counts).map(([status, number]) => [OUTCOMES[status], (100 * number) / sum(Object.values(point.counts))]));
  const words = report.trend.map((point, number) => `${moment(point.time)}: ${scoreOf(points[number])}, ${worded(points[number].counts).join(', ')}`).join('; ');
  const rows = [{ number: '', title: 'All sections' }, ...pack.sections].map((part, number) => {
    const told = points.map((point) => (number ? point.sections[number - 1] : point));
    const [was, now] = [told[0], told.at(-1)];
    return el('tr', {}, el('th', { scope: 'row' }, sectionTitle(part)), moved(scoreOf(was), scoreOf(now), 'pass '), moved(count(was.decided), count(now.decided), 'decided '),
      moved(count(was.counts.unknown), count(now.counts.unknown), 'unknown '),
      el('td', { class: 'spark-cell good' }, spark(told.map((each) => each.score), `from ${scoreOf(was)} to ${scoreOf(now)}`, 100)));
  });
  const headings = [['Section'], ['Pass, of decided', 'number'], ['Decided', 'number'], ['Unknown', 'number'], [`0 to 100 %, ${through()}`, 'share']];
  return [el('h3', {}, pack.title), stacks('Controls in per cent, by status', parts, 100, words), table(headings, rows, `${pack.title}, through time`)];
}

function trend(show) {
  const [first, last] = [report.trend[0], report.trend.at(-1)];
  const share = (row) => (row[SHARE] === null ? '–' : row[SHARE].toFixed(1));
  const ordered = report.order.map((index) => report.policies[index]).filter((policy) => first.rows[policy.id] && last.rows[policy.id]);
  const row = (policy) => {
    const [was, now] = [first.rows[policy.id], last.rows[policy.id]];
    const shares = report.trend.map((point) => point.rows[policy.id][SHARE]);
    return el('tr', {}, policyName(policy, show),
      moved(count(was[POPULATION]), count(now[POPULATION]), 'population '), moved(count(was[FAILURES]), count(now[FAILURES]), 'failures '),
      moved(share(was), share(now), '% '), el('td', { class: 'spark-cell' }, spark(shares, `from ${share(was)} to ${share(now)} per cent`)));
  };
  const headings = [['Policy'], ['Population', 'number'], ['Failures', 'number'], ['%', 'number'], [`Per cent, ${through()}`, 'share']];
  return section('trend', 'Trend', failuresChart(), report.packs.map(packTrend), el('h3', {}, 'Policies'), ...capped(headings, ordered, LISTED_POLICIES, row, 'Trend'));
}
