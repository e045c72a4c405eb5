/**
 * The one error the protocol core throws on purpose.
 *
 * `code` is stable and meant for programs: the first block are the values of the API's `ErrorCode`
 * (e2ee.md section 13), the second is known to clients alone. `layer` names the part that refused,
 * as `sdk/vectors/invalid.json` does. `message` is a plain sentence without secrets.
 */
export type ProtocolLayer =
  | 'cbor'
  | 'ed25519'
  | 'seal'
  | 'member'
  | 'roster'
  | 'epoch'
  | 'envelope'
  | 'log'
  | 'wrap'
  | 'grant'
  | 'derivation'
  | 'link';

export type ProtocolCode =
  | 'MALFORMED'
  | 'FORBIDDEN'
  | 'STALE_DEVICE'
  | 'CHAIN_CONFLICT'
  | 'GENERATION_CONFLICT'
  | 'REWRAP_INCOMPLETE'
  | 'EPOCH_CONFLICT'
  | 'EPOCH_NOT_DUE'
  | 'RECIPIENTS_CHANGED'
  | 'ID_CONFLICT'
  | 'STALE_EPOCH'
  | 'EPOCH_DUE'
  | 'FORKED_LOG'
  // a client's own
  | 'BAD_SEAL' // a seal or box that does not open, or holds what it must not: complain
  | 'SEAL_MISMATCH' // not the listed seal: the server's doing, raise the alarm
  | 'BAD_COMMIT' // a branch that is not the announced one: complain
  | 'FORK' // contradicts what was seen before: stop sending, keep the evidence, tell the person
  | 'REPLAYED' // an item that came before
  | 'UNREADABLE' // an envelope or wrap that does not open
  | 'BAD_WORDS'
  | 'BAD_INVITE'
  | 'BAD_LINK' // a request or answer that was not made with the code shown, or not for this device
  | 'WEAK_PARAMETERS';

/** Why a space needs its next epoch (section 6); the values of the API's `EpochDueReason`. */
export type DueReason = 'FIRST' | 'ROSTER' | 'MEMBER_CHAIN' | 'AGE' | 'COUNT' | 'COMPLAINT';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolCode;
  readonly layer: ProtocolLayer;
  /** Set with EPOCH_DUE. */
  readonly reason: DueReason | null;

  constructor(layer: ProtocolLayer, code: ProtocolCode, message: string, reason: DueReason | null = null) {
    super(message);
    this.layer = layer;
    this.code = code;
    this.reason = reason;
  }
}

/** Throws a {@link ProtocolError} unless `condition` holds. */
export function demand(
  condition: boolean,
  layer: ProtocolLayer,
  code: ProtocolCode,
  message: string,
): asserts condition {
  if (!condition) throw new ProtocolError(layer, code, message);
}
