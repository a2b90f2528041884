// What findings are filtered by: of each filter its title and its choices, and what of policies and places fits them.

const STATUS_FILTERS = {
  fail: ['Failures', [0]],
  gap: ['Unknown', [1, 2]],
  waived: ['Waived', [3]],
  pass: ['Passes', [4]],
  not_applicable: ['Does not apply', [5]],
};

const sectionTitle = (part) => [part.number, part.title].filter(Boolean).join(' ');
const sectionKey = (pack, part) => `${pack.pack}: ${sectionTitle(part)}`;
const controlKey = (pack, control) => `${pack.pack} ${control.control}`;

// Section → its controls, as policies name them.
const SECTIONS = new Map(report.packs.flatMap((pack) => pack.sections.map((part) =>
  [sectionKey(pack, part), part.controls.map((control) => controlKey(pack, control))])));

function controlChoices() {
  const packed = report.packs.flatMap((pack) => pack.sections.flatMap((part) => [
    [sectionKey(pack, part), `${sectionKey(pack, part)} (all)`],
    ...part.controls.filter((control) => control.policies.length).map((control) => [controlKey(pack, control), `${controlKey(pack, control)} ${control.title}`])]));
  const named = [...new Set(report.policies.flatMap((policy) => policy.controls))].sort(new Intl.Collator('en', { numeric: true }).compare);
  return packed.length ? packed : named.map((control) => [control, control]);
}

// Account → the paths of the units above it, from the root down. Of accounts that are not here they are unknown.
const UNITS = new Map(Object.entries(report.units).map(([id, units]) => [id, units.map((_, depth) => units.slice(0, depth + 1).join('/'))]));
const unitOf = (id) => UNITS.get(id)?.at(-1) || '';
const accountTitle = (id) => (report.titles[id] ? `${report.titles[id]} (${id})` : id);
const plain = (values) => values.map((value) => [value, value]);

// Key, title, choices: where there are none, there is no such filter.
const FILTERS = [
  ['change', 'Change', () => (report.before ? plain(names.change) : [])],
  ['status', 'Status', () => Object.entries(STATUS_FILTERS).map(([value, [name]]) => [value, name])],
  ['severity', 'Severity', () => plain(names.severity)],
  ['control', 'Control', controlChoices],
  ['policy', 'Policy', () => report.order.map((index) => report.policies[index]).map(({ id, title }) => [id, `${id}: ${title}`])],
  ['account', 'Account', () => names.account.map((id) => [id, accountTitle(id)])],
  ['unit', 'Unit', () => plain([...new Set([...UNITS.values()].flat())].sort())],
  ['region', 'Region', () => plain([...names.region].sort())],
  ['type', 'Type', () => plain([...names.type].sort())],
  ['tag', 'Tag', () => (report.blocks.tags && report.blocks.tagsText.length > 1 ? tagChoices : [])],
];

// Of policies: which fit some values.
const POLICY_FITS = {
  policy: (values) => (policy) => values.includes(policy.id),
  control: (values) => {
    const wanted = new Set(values.flatMap((value) => SECTIONS.get(value) || [value]));
    return (policy) => policy.controls.some((control) => wanted.has(control));
  },
};

// Of places: a column of numbers, and for each of its numbers whether it fits some values.
const PLACE_FITS = {
  account: (values) => ['account', names.account.map((id) => values.includes(id))],
  unit: (values) => ['account', names.account.map((id) => (UNITS.get(id) || values).some((path) => values.includes(path)))],
  region: (values) => ['region', names.region.map((name) => values.includes(name))],
  type: (values) => ['type', names.type.map((name) => values.includes(name))],
  tag: (values) => ['tags', tagFits(values)],
};

// Tags are read when they are first asked for. They are JSON, so a tag is found by how it is written there.
let tags = null;
async function readTags() {
  tags = tags || await lazily('tagsText');
}

// A resource whose tags are unknown may be one that is meant, so it fits, as with --only; and so does an account whose
// units are.
function tagFits(values) {
  const written = values.map((value) => {
    const [key, ...rest] = value.split('=');
    return `${JSON.stringify(key)}:${rest.length ? JSON.stringify(rest.join('=')) : ''}`;
  });
  const fits = [...written, '{"$missing":'].map((text) => marked(tags, tags.whole, text));
  fits.at(-1)[0] = 1;
  return fits[0].map((_, number) => fits.reduce((any, each) => any | each[number], 0));
}

const COMMON = 2000;
async function tagChoices() {
  await readTags();
  const seen = new Map();
  for (let number = 1; number < tags.length; number += 1) {
    const found = JSON.parse(restored(tags.at(number), []));
    for (const [key, value] of '$missing' in found ? [] : Object.entries(found)) {
      for (const each of [key, `${key}=${value}`]) seen.set(each, (seen.get(each) || 0) + 1);
    }
  }
  const often = [...seen].sort(([one, more], [other, most]) => most - more || (one < other ? -1 : 1));
  return plain(often.slice(0, COMMON).map(([each]) => each));
}
