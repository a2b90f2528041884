// SHA-256, as a finding's fingerprint is made of its identity and need not be kept. The browser's own is asynchronous,
// and is not there where a page is opened from an address that it does not trust.

const ROUNDS = (() => {
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) if (primes.every((prime) => number % prime)) primes.push(number);
  const fraction = (value) => ((value - Math.floor(value)) * 2 ** 32) >>> 0;
  return { start: primes.slice(0, 8).map((prime) => fraction(prime ** 0.5)), each: primes.map((prime) => fraction(prime ** (1 / 3))) };
})();

function digest(text) {
  const data = new TextEncoder().encode(text);
  const padded = new Uint8Array(((data.length + 72) >> 6) << 6);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, data.length * 8);
  const state = Uint32Array.from(ROUNDS.start);
  for (let at = 0; at < padded.length; at += 64) mix(state, view, at);
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('');
}

function mix(state, view, at) {
  const turn = (word, by) => (word >>> by) | (word << (32 - by));
  const words = new Uint32Array(64);
  for (let n = 0; n < 16; n += 1) words[n] = view.getUint32(at + 4 * n);
  for (let n = 16; n < 64; n += 1) {
    const [early, late] = [words[n - 15], words[n - 2]];
    const low = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
    const high = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
    words[n] = words[n - 16] + low + words[n - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let n = 0; n < 64; n += 1) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS.each[n] + words[n]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, n) => { state[n] += word; });
}

const policyMark = (policy) => digest(policy.id).slice(0, 12);
const resourceMark = (found) => digest([found.account, found.region, found.type, found.resource].join('\0')).slice(0, 28);
const fingerprintOf = (found) => resourceMark(found) + policyMark(found.policy);

// The row with a fingerprint; -1 where there is none. One resource in 256 has the right first byte.
function rowOf(columns, fingerprint) {
  const policy = report.policies.findIndex((each) => policyMark(each) === fingerprint.slice(28));
  const byte = parseInt(fingerprint.slice(0, 2), 16);
  for (let row = 0; row < columns.count; row += 1) {
    if (columns.policy[row] !== policy || columns.mark[columns.place[row]] !== byte) continue;
    if (fingerprintOf(rowAt(columns, row)) === fingerprint) return row;
  }
  return -1;
}
