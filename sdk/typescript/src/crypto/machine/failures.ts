import { CircleFailure } from '../../errors';
import { ProtocolError } from '../protocol/errors';

/** A failure of the protocol as one that may be shown; anything else passes as it is. */
export function fromProtocol(error: unknown): unknown {
  return error instanceof ProtocolError ? new CircleFailure(error.code, error.message) : error;
}

/** The plain reason in a failure, for what is shown in an item's place. */
export function reasonOf(error: unknown): string {
  return error instanceof ProtocolError || error instanceof CircleFailure ? error.message : "This device can't read this message.";
}
