// The findings that are shown as CSV: the columns of `-o findings.csv`, and what the page knows beside them.

const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const BESIDE = ['title', 'controls', 'account_name', 'unit', 'tags'];
const AT_ONCE = 5000;

// A spreadsheet would run a cell that begins like a formula: names in a snapshot are not ours to trust.
function csvCell(value) {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvLine = (cells) => `${cells.map((cell) => csvCell(cell ?? '')).join(',')}\r\n`;

async function exported(columns, rows, progress) {
  const own = ['evidence', 'remediation', 'waiver', 'why'];
  const [evidence, remediation, waiver, why] = await Promise.all(own.map((name) => (report.blocks[name] ? lazily(`${name}Text`) : null)));
  await readTags();
  const text = (texts, name, row, parts) => (texts ? restored(texts.at(columns[name][row]), parts) : '');
  const before = report.before ? ['change', 'before', 'after', 'why'] : [];
  const parts = [csvLine([...before, 'policy', 'status', 'severity', 'account', 'region', 'type', 'resource', 'name', 'fingerprint', 'message', 'evidence', 'remediation', 'waiver', ...BESIDE])];
  let lines = [];
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at];
    const found = rowAt(columns, row);
    const was = report.before ? [found.change, names.status[columns.before[row]], names.status[columns.after[row]], text(why, 'why', row, found.parts)] : [];
    lines.push(csvLine([...was, found.policy.id, found.status, found.severity, found.account, found.region, found.type, found.resource, found.name,
      fingerprintOf(found), found.message, text(evidence, 'evidence', row, found.parts), text(remediation, 'remediation', row, found.parts), text(waiver, 'waiver', row, found.parts),
      found.policy.title, found.policy.controls.join('; '), report.titles[found.account], unitOf(found.account), restored(tags.at(columns.tags[columns.place[row]]), [])]));
    if (lines.length === AT_ONCE) {
      parts.push(lines.join(''));
      lines = [];
      progress(at + 1);
      await new Promise((done) => { setTimeout(done); });
    }
  }
  return new Blob([...parts, lines.join('')], { type: 'text/csv' });
}

function saved(blob, name) {
  const address = URL.createObjectURL(blob);
  el('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
