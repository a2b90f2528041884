// Why much is unknown: the kinds of causes, with what would make it known.

const FEW = 12;

function unknownCauses(show) {
  const unknown = sum(report.policies.map((policy) => policy.unknown));
  if (!unknown || !report.causes.length) return null;
  const controls = report.packs.flatMap((pack) => pack.sections.flatMap((part) => part.controls));
  const open = controls.filter((control) => control.status === 'unknown');
  const what = open.length ? `${count(open.length)} of ${counted(controls.length, 'control')} and ${counted(unknown, 'finding')}` : counted(unknown, 'finding');
  const items = report.causes.map((cause) => {
    const policies = new Set(cause.policies);
    const touched = open.filter((control) => control.policies.some((each) => policies.has(each.policy)));
    const about = cause.about.slice(0, FEW);
    const left = cause.about.length + cause.more - about.length;
    const reach = touched.length ? counted(touched.length, 'control') : counted(policies.size, 'policy', 'policies');
    return el('li', {},
      el('p', {}, el('button', { type: 'button', class: 'link', onclick: () => show({ status: 'gap', policy: cause.policies }) },
        `${reach}: ${cause.kind}`), cause.advice ? el('span', { class: 'muted' }, ` – ${cause.advice}`) : null),
      el('p', { class: 'mono about' }, about.join(', '), left ? ` and ${count(left)} more` : ''),
      cause.unasked ? command(report.collect) : null);
  });
  const found = section('unknown', `Why ${what} are unknown`, el('ul', { class: 'causes' }, items));
  found.dataset.short = 'Unknown';
  return found;
}

// Whether so much is unknown that it comes first: a tenth of the controls, or of what policies are about.
function muchUnknown() {
  const share = (part, all) => part >= all / 10 && part > 0;
  const controls = report.packs.some((pack) => share(pack.counts.unknown, pack.controls));
  return controls || share(sum(report.policies.map((policy) => policy.unknown)), sum(report.policies.map((policy) => policy.population)));
}
