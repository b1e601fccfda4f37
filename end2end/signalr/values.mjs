// Messages made by chance, the same for the same seed.

export function random(seed) {
  // mulberry32: small, and good enough to choose cases.
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { next, below, of: (list) => list[below(list.length)], chance: (part) => next() < part };
}

const ALPHABETS = ["abcdefghij", "äöüßéñçøåλ", "漢字仮名交じり文", "😀🎉🚀🧪", '\u001e\u0000\n\r\t"\\/\u2028\u007f'];

export function text(r, longest = 12) {
  // Lengths on both sides of the short forms, too.
  const length = r.chance(0.1) ? r.of([31, 32, 255, 256, 300]) : r.below(longest + 1);
  let made = "";
  for (let i = 0; i < length; i += 1) made += r.of([...r.of(ALPHABETS)]);
  return made;
}

export const id = (r) => r.of(["0", "7", "42", "1000", "a-b", text(r) || "x"]);

function number(r) {
  const edges = [0, 1, -1, 31, -32, -33, 127, 128, -128, -129, 255, 256, 32767, -32769, 65535, 65536];
  const wide = [2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  const fractions = [0.1, 0.1 + 0.2, -1.5, 1e21, 1.7976931348623157e308, 5e-324, 2 ** 53, Math.PI];
  if (r.chance(0.4)) return r.of(edges);
  if (r.chance(0.4)) return r.of(wide);
  return r.chance(0.5) ? r.of(fractions) : (r.next() - 0.5) * 10 ** (r.below(40) - 20);
}

// `rich`: with what only MessagePack has, bytes and dates.
export function value(r, rich, depth = 0) {
  const kind = r.below(depth < 3 ? 9 : 6);
  if (kind === 0) return null;
  if (kind === 1) return r.chance(0.5);
  if (kind === 2 && rich) return bytes(r);
  if (kind === 3 && rich) return new Date(r.below(2) ? r.below(2 ** 32) * 1000 : Math.floor((r.next() - 0.2) * 1e14));
  if (kind < 4) return number(r);
  if (kind < 6) return text(r);
  const count = r.chance(0.1) ? r.of([15, 16, 17, 40]) : r.below(4);
  const inner = () => value(r, rich, depth + 1);
  if (kind === 6) return Array.from({ length: count }, inner);
  // A name of its own for each: which of two equal names counts is the reader's matter.
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${text(r, 4)}#${i}`, inner()]));
}

export function bytes(r) {
  const length = r.chance(0.1) ? r.of([255, 256, 1000]) : r.below(20);
  return Uint8Array.from({ length }, () => r.below(256));
}

// A message as the JSON protocol's object, without properties that are not needed.
export function message(r, rich) {
  const type = 1 + r.below(9);
  const given = () => value(r, rich);
  const call = () => ({
    target: text(r) || "Send",
    arguments: Array.from({ length: r.chance(0.05) ? 20 : r.below(4) }, given),
    ...(r.chance(0.3) ? { streamIds: Array.from({ length: 1 + r.below(3) }, () => id(r)) } : {}),
  });
  switch (type) {
    case 1:
      return { type, ...(r.chance(0.5) ? { invocationId: id(r) } : {}), ...call() };
    case 2:
      return { type, invocationId: id(r), item: given() };
    case 3: {
      const outcome = r.of([{}, { error: text(r) || "No." }, { result: given() }, { result: null }]);
      return { type, invocationId: id(r), ...outcome };
    }
    case 4:
      return { type, invocationId: id(r), ...call() };
    case 5:
      return { type, invocationId: id(r) };
    case 7:
      return { type, ...(r.chance(0.5) ? { error: text(r) || "Bye." } : {}), ...(r.chance(0.5) ? { allowReconnect: true } : {}) };
    case 8:
    case 9:
      return { type, sequenceId: r.of([0, 1, 127, 128, 65536, 2 ** 32, Number.MAX_SAFE_INTEGER]) };
    default:
      return { type };
  }
}
