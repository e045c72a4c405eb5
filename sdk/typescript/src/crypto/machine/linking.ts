/** Letting a new device in, on a device that has the keys (e2ee.md section 8). */
import { CircleFailure } from '../../errors';
import type { AnswerBytes, CheckedOffer } from '../deviceKeeper';
import { toHex, type Bytes } from '../protocol/bytes';
import { linkKeyOf, makeLinkAnswer, verifyLinkRequest, type Tagged } from '../protocol/linking';
import { LOG_START } from '../protocol/log';
import { followMember, makeMemberLink, MemberKind } from '../protocol/member';
import { isLiving, sealMemberBox } from '../protocol/memberKey';
import type { Head } from '../protocol/signer';
import type { Context } from './context';
import { secretsOf } from './keyring';
import { keys, type SpaceRecord } from './spaceRecord';

export interface ShownOffer {
  request: Bytes;
  mac: Bytes;
}

const tagged = ({ request, mac }: ShownOffer): Tagged => ({ body: request, mac });

/** Throws a ProtocolError BAD_WORDS, BAD_LINK or that of the request's keys. */
export async function checkOffer({ keyring }: Context, code: string, offer: ShownOffer): Promise<CheckedOffer> {
  const { device } = await verifyLinkRequest(linkKeyOf(code), tagged(offer), keyring.memberBytes);
  return { device: toHex(device) };
}

/** The newest own key, held here. Throws KEYS_BEHIND. */
export async function ownNewest({ keyring, people }: Context) {
  const { chain, key } = await people.get(keyring.member);
  const secrets = secretsOf(keyring, key.generation);
  if (!secrets || !isLiving(chain, key)) throw new CircleFailure('KEYS_BEHIND', 'Another of your devices has just changed the keys. Please try again in a moment.');
  return { chain, key, secrets };
}

/** device.add, M in a box for k = 1, and the answer under k. */
export async function answerOffer(context: Context, code: string, offer: ShownOffer): Promise<AnswerBytes> {
  const { keyring } = context;
  const key = linkKeyOf(code);
  const { device, dk, seal, deviceSeal } = await verifyLinkRequest(key, tagged(offer), keyring.memberBytes);
  const { chain, secrets } = await ownNewest(context);
  const by = keyring.device;
  const link = await makeMemberLink(chain, keyring.memberBytes, { kind: MemberKind.DEVICE_ADD, device, dk }, { device: by.device, key: by.dk }, Date.now());
  const after = await followMember(chain, link);
  const box = await sealMemberBox(seal.sk, { device, number: seal.k }, secrets);
  const { body, mac } = await makeLinkAnswer(key, offer.request, { box, chain: after, account: await accountHead(context) });
  return { device: toHex(device), link, seal: deviceSeal, box, answer: body, mac, generation: secrets.generation };
}

/** Where the account's log stands, as far as this device has followed it. */
async function accountHead({ store, account }: Context): Promise<Head> {
  const record = account.space === null ? undefined : ((await store.get('records', keys.space(account.space))) as SpaceRecord | undefined);
  return record?.head ?? LOG_START;
}
