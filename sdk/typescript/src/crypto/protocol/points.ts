/**
 * What is refused on its bytes alone, before a library is asked (e2ee.md sections 1 and 14):
 * OpenSSL takes the identity as an Ed25519 key, and nobody checks ML-KEM keys the same way.
 */
import { toHex } from './bytes';

/** Ed25519 points of small order in canonical form, and the two forms of x = 0 with the sign set. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000', // order 1
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0000000000000000000000000000000000000000000000000000000000000000', // order 4
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]);

/** u-coordinates of X25519 that give a zero secret, the top bit cleared; p and p + 1 are 0 and 1 again. */
const LOW_ORDER_U: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

const P = 2n ** 255n - 19n;
/** The order of Ed25519's base point, RFC 8032 section 5.1. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const Q = 3329;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

/**
 * @param point A or R
 * @param scalar S, if there is one to check
 * @returns why it is refused, or null
 */
export function ed25519Refusal(point: Uint8Array, scalar?: Uint8Array): string | null {
  if (SMALL_ORDER.has(toHex(point))) return 'of small order';
  if ((littleEndian(point) & (2n ** 255n - 1n)) >= P) return 'not canonical';
  if (scalar !== undefined && littleEndian(scalar) >= L) return 'S is not below L';
  return null;
}

/**
 * @param mlKem the 1184 bytes of an encapsulation key, or null to check the X25519 half alone
 * @param u the X25519 half
 * @returns why it is refused, or null
 */
export function xWingRefusal(mlKem: Uint8Array | null, u: Uint8Array): string | null {
  const masked = Uint8Array.from(u);
  masked[31] = (masked[31] ?? 0) & 0x7f;
  if (LOW_ORDER_U.has(toHex(masked))) return 'X25519 half of low order';
  // FIPS 203 section 7.2: the 12-bit coefficients before the last 32 bytes (rho) are below q
  const vector = mlKem?.subarray(0, 1152) ?? new Uint8Array(0);
  for (let i = 0; i + 2 < vector.length; i += 3) {
    const [a = 0, b = 0, c = 0] = vector.subarray(i, i + 3);
    if ((a | ((b & 0x0f) << 8)) >= Q || ((b >> 4) | (c << 4)) >= Q) return 'ML-KEM coefficient not below q';
  }
  return null;
}
