/** The join link's fragment as far as the engine must read it: the token to show to the server (docs/decisions/0001). */
import { fromBase64Url, type Bytes } from '../bytes';
import { CircleFailure } from '../errors';

const TOKEN = 16;
const WHOLE = 80;

/** Throws BAD_INVITE for anything but 16 or 80 bytes of base64url. */
export function parseFragment(fragment: string): { token: Bytes; isSetUp: boolean } {
  let bytes: Bytes;
  try {
    bytes = fromBase64Url(fragment.replace(/^#/, ''));
  } catch {
    throw damaged();
  }
  if (bytes.length !== TOKEN && bytes.length !== WHOLE) throw damaged();
  return { token: bytes.slice(0, TOKEN), isSetUp: bytes.length === TOKEN };
}

function damaged(): CircleFailure {
  return new CircleFailure('BAD_INVITE', 'This invite link is damaged; ask for it again.');
}
