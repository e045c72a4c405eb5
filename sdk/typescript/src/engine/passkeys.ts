/** Passkeys that open the store: WebAuthn with its `prf` extension. No server takes part. */
import type { Bytes } from '../bytes';
import { CircleFailure } from '../errors';

/** What the engine asks of the browser's passkeys; a test may stand in for it. */
export interface Passkeys {
  /** Whether this browser can use a passkey for keys at all, as far as it tells. */
  canUse(): Promise<boolean>;
  /** Makes a passkey, after asking the person; its id, and the 32 bytes that it derives from the salt. Throws PASSKEY_…. */
  create(name: string, salt: Bytes): Promise<{ id: Bytes; secret: Bytes }>;
  /** The bytes that a passkey derives from a salt, after asking the person. Throws PASSKEY_…. */
  derive(id: Bytes, salt: Bytes): Promise<Bytes>;
}

const UNSUPPORTED = new CircleFailure('PASSKEY_UNSUPPORTED', 'This passkey cannot protect keys. Use another one, or a passphrase.');
/** How long the person may take, in milliseconds. */
const PATIENCE = 120_000;
const SECRET = 32;
/** EdDSA, ES256, RS256: all that authenticators speak. The signature is of no use here, and nobody checks it. */
const ALGORITHMS = [-8, -7, -257];

export class BrowserPasskeys implements Passkeys {
  async canUse(): Promise<boolean> {
    if (typeof PublicKeyCredential === 'undefined') return false;
    try {
      const told = (await PublicKeyCredential.getClientCapabilities())['extension:prf'];
      return told ?? true;
    } catch {
      // An older browser does not tell: it shows when a passkey is made.
      return true;
    }
  }

  async create(name: string, salt: Bytes): Promise<{ id: Bytes; secret: Bytes }> {
    const created = await asked(() => navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: 'Circle' },
        // Never the same twice: a passkey that took the place of another browser's would lock that one out.
        user: { id: random(16), name, displayName: name },
        challenge: random(32),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { userVerification: 'required', residentKey: 'preferred' },
        timeout: PATIENCE,
        extensions: { prf: { eval: { first: salt } } },
      },
    }));
    const id = new Uint8Array(created.rawId);
    const { prf } = created.getClientExtensionResults();
    if (prf?.enabled === false) throw UNSUPPORTED;
    // Many authenticators derive only when they are used, not when they are made.
    return { id, secret: secretOf(prf?.results?.first) ?? (await this.derive(id, salt)) };
  }

  async derive(id: Bytes, salt: Bytes): Promise<Bytes> {
    const used = await asked(() => navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: random(32),
        allowCredentials: [{ type: 'public-key', id }],
        userVerification: 'required',
        timeout: PATIENCE,
        extensions: { prf: { eval: { first: salt } } },
      },
    }));
    const secret = secretOf(used.getClientExtensionResults().prf?.results?.first);
    if (!secret) throw UNSUPPORTED;
    return secret;
  }
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let answer: Credential | null;
  try {
    answer = await ask();
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError' || name === 'AbortError') throw new CircleFailure('PASSKEY_CANCELLED', 'The passkey was not used.');
    if (name === 'SecurityError') throw new CircleFailure('PASSKEY_UNSUPPORTED', 'This browser allows no passkeys at this address.');
    throw UNSUPPORTED;
  }
  if (!(answer instanceof PublicKeyCredential)) throw UNSUPPORTED;
  return answer;
}

function secretOf(result: BufferSource | undefined): Bytes | null {
  if (result === undefined) return null;
  const bytes = ArrayBuffer.isView(result) ? Uint8Array.from(new Uint8Array(result.buffer, result.byteOffset, result.byteLength)) : new Uint8Array(result);
  return bytes.length === SECRET ? bytes : null;
}

function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}
