/** The session with the server: asked for, opened, ended. */
import { fromBase64, fromHex, toBase64, toHex, type Bytes } from '../bytes';
import { CircleFailure, codeOf } from '../errors';
import * as gql from '../gql/generated';
import type { Http } from '../transport/http';
import { refuseErrors } from './api';
import { deviceLabel } from './deviceLabel';

/** What the password is stretched with. */
export interface StretchParameters {
  salt: Bytes;
  memoryKib: number;
  iterations: number;
  lanes: number;
}

/** The member behind a session, as hex. */
export function memberOf(viewer: gql.ViewerFieldsFragment): string {
  return toHex(fromBase64(viewer.member.protocolId));
}

/** The device that a session signs as, as hex; null where it has none. */
export function deviceOf(viewer: gql.ViewerFieldsFragment): string | null {
  const { device } = viewer.session;
  return device ? toHex(fromBase64(device.protocolId)) : null;
}

export class Session {
  readonly http: Http;
  readonly #kind: gql.SessionKind;
  readonly #setToken: (token: string | null) => void;

  constructor(http: Http, kind: gql.SessionKind, setToken: (token: string | null) => void) {
    this.http = http;
    this.#kind = kind;
    this.#setToken = setToken;
  }

  /** Who the server takes this client for; null when it knows no session. */
  async viewer(): Promise<gql.ViewerFieldsFragment | null> {
    try {
      return (await this.http.ask(gql.ViewerDocument, {})).viewer ?? null;
    } catch (error) {
      if (codeOf(error) === 'UNAUTHENTICATED') return null;
      throw error;
    }
  }

  async parameters(handle: string): Promise<StretchParameters> {
    const ask = () => this.http.ask(gql.PasswordParametersDocument, { handle });
    // A browser whose device was removed is told so once, whatever it asks; a restored server knows no younger session.
    const { passwordParameters } = await ask().catch((error: unknown) => {
      if (!['DEVICE_REVOKED', 'REVOCATION_UNPROVEN', 'UNAUTHENTICATED'].includes(codeOf(error))) throw error;
      this.#setToken(null);
      return ask();
    });
    const { salt, memoryKib, iterations, lanes } = passwordParameters;
    return { salt: fromBase64(salt), memoryKib, iterations, lanes };
  }

  /**
   * Opens a session that signs as `device`. One that the server does not take any more gives a session without a
   * device, unless `isStrict` is set.
   */
  async signIn(handle: string, authKey: string, device: string | null, isStrict = false): Promise<gql.ViewerFieldsFragment> {
    // A token that is no longer valid would be refused before the password is looked at.
    this.#setToken(null);
    const once = async (named: string | null) => {
      const { name: label } = deviceLabel();
      const { signIn } = await this.http.once(gql.SignInDocument, { input: { handle, authKey, device: named, session: this.#kind, label } });
      refuseErrors(signIn.errors);
      return this.#admit(signIn);
    };
    try {
      return await once(device === null ? null : toBase64(fromHex(device)));
    } catch (error) {
      // The device was removed.
      if (device === null || isStrict || !['STALE_DEVICE', 'FORBIDDEN', 'NOT_FOUND'].includes(codeOf(error))) throw error;
      return once(null);
    }
  }

  async signUp(input: Omit<gql.SignUpInput, 'session'>): Promise<gql.ViewerFieldsFragment> {
    this.#setToken(null);
    const { signUp } = await this.http.once(gql.SignUpDocument, { input: { ...input, session: this.#kind } });
    refuseErrors(signUp.errors);
    return this.#admit(signUp);
  }

  async signOut(): Promise<void> {
    const { signOut } = await this.http.once(gql.SignOutDocument, { input: {} }).catch((error: unknown) => {
      // Signed out already; anything else must be told, or the session would live on unseen.
      if (codeOf(error) === 'UNAUTHENTICATED') return { signOut: { errors: [] } };
      throw error;
    });
    refuseErrors(signOut.errors);
  }

  /** Ends another session of this member; that it cannot be ended does no harm. */
  async end(sessionId: string): Promise<void> {
    await this.http.once(gql.RevokeSessionDocument, { input: { sessionId } }).catch(() => undefined);
  }

  forget(): void {
    this.#setToken(null);
  }

  #admit(payload: { viewer?: gql.ViewerFieldsFragment | null; token?: string | null }): gql.ViewerFieldsFragment {
    if (!payload.viewer) throw new CircleFailure('SERVER', 'The server did not sign you in. Please try again.');
    if (payload.token) this.#setToken(payload.token);
    return payload.viewer;
  }
}
