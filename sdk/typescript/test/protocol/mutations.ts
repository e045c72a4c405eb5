/** Ways to change valid bytes: bits, cuts, insertions, and edits of the CBOR inside, also inside byte strings. */
import { decode, encode } from 'cborg';
import fc from 'fast-check';

type Path = readonly (number | string)[];

const ODD: readonly unknown[] = [
  null, true, false, 0, 1, 23, 24, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 64n - 1n, -1, 1.5, Number.NaN, '', 'é',
  new Uint8Array(0), new Uint8Array(16), new Uint8Array(32), new Uint8Array(32).fill(255), [], [[]], new Map(), new Map([[0, 1]]),
  new Map([['0', 1]]), new Map([[24, 0]]), undefined,
];

interface Cut { how: number; at: number; bit: number; put: Uint8Array }
interface Edit { where: number; how: number; which: number; cut: Cut }

const cut: fc.Arbitrary<Cut> = fc.record({ how: fc.nat(4), at: fc.nat(), bit: fc.nat(7), put: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
const edit: fc.Arbitrary<Edit> = fc.record({ where: fc.nat(), how: fc.nat(5), which: fc.nat(), cut });

/** Something near the original, or nothing like it. */
export function mutations(original: Uint8Array): fc.Arbitrary<Uint8Array> {
  const near = fc.array(cut, { minLength: 1, maxLength: 3 }).map((cuts) => cuts.reduce(applyCut, original));
  const random = fc.uint8Array({ maxLength: 200 });
  const inside = valueOf(original);
  if (inside === undefined) return fc.oneof({ weight: 5, arbitrary: near }, { weight: 1, arbitrary: random });
  const edited = edit.map((one) => encode(applyEdit(inside, one)));
  return fc.oneof({ weight: 4, arbitrary: near }, { weight: 5, arbitrary: edited }, { weight: 1, arbitrary: random });
}

function applyCut(bytes: Uint8Array, { how, at, bit, put }: Cut): Uint8Array {
  const i = bytes.length === 0 ? 0 : at % bytes.length;
  const [head, tail] = [bytes.subarray(0, i), bytes.subarray(i)];
  if (how === 0) return bytes.map((byte, index) => (index === i ? byte ^ (1 << bit) : byte));
  if (how === 1) return head;
  if (how === 2) return Uint8Array.of(...head, ...put, ...tail);
  if (how === 3) return Uint8Array.of(...head, ...tail.subarray(1 + bit));
  return Uint8Array.of(...bytes, ...tail.subarray(0, 16));
}

/** The array or map that these bytes are the encoding of, if they are. */
function valueOf(bytes: Uint8Array): unknown {
  try {
    const value: unknown = decode(bytes, { useMaps: true });
    return Array.isArray(value) || value instanceof Map ? value : undefined;
  } catch {
    return undefined;
  }
}

function entriesOf(value: unknown): [number | string, unknown][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item]);
  return value instanceof Map ? [...(value as Map<number, unknown>)] : [];
}

function paths(value: unknown, path: Path = []): Path[] {
  return [path, ...entriesOf(value).flatMap(([key, item]) => paths(item, [...path, key]))];
}

function replaced(value: unknown, [first, ...rest]: Path, change: (found: unknown) => unknown): unknown {
  if (first === undefined) return change(value);
  const entries = entriesOf(value).map(([key, item]): [number | string, unknown] => [key, key === first ? replaced(item, rest, change) : item]);
  return Array.isArray(value) ? entries.map(([, item]) => item) : new Map(entries);
}

function applyEdit(value: unknown, one: Edit): unknown {
  const all = paths(value);
  return replaced(value, all[one.where % all.length] ?? [], (found) => changed(found, one));
}

function changed(found: unknown, one: Edit): unknown {
  const { how, which } = one;
  if (how < 2) return ODD[which % ODD.length];
  if (found instanceof Uint8Array) {
    const inside = valueOf(found);
    return inside === undefined || how === 2 ? applyCut(found, one.cut) : encode(applyEdit(inside, { ...one, where: which }));
  }
  if (typeof found === 'number') return Math.max(0, found + ([-1, 1, 256, 2 ** 32][which % 4] ?? 1));
  const entries = entriesOf(found);
  if (Array.isArray(found)) {
    const list = found as unknown[];
    if (how === 2) return list.slice(1);
    return how === 3 ? [...list, list[0]] : [...list].reverse();
  }
  if (found instanceof Map) return how === 2 ? new Map(entries.slice(1)) : new Map([...entries, [how === 3 ? entries.length : 23, 0]]);
  return ODD[which % ODD.length];
}
