/** Reads `sdk/vectors/*.json`; the shapes are those of `sdk/vectors/README.md`. */
import { readFileSync } from 'node:fs';
import {
  fromHex,
  toHex,
  verifyMemberChain,
  verifyRoster,
  type Bytes,
  type Chains,
  type Head,
  type MemberChain,
  type Roster,
  type Signed,
  type SignedLink,
  type Signer,
} from '../../src/crypto/protocol';

export interface HeadJson { readonly n: number; readonly hash: string }
export interface SignedJson { readonly body: string; readonly signature: string }
export interface LinkJson extends SignedJson { readonly cosignature: string | null }
export interface ChainJson { readonly member: string; readonly links: readonly LinkJson[] }
export interface RosterJson { readonly space: string; readonly links: readonly SignedJson[] }
export interface SignerJson extends HeadJson { readonly member: string; readonly device: string }
export interface HeaderJson {
  readonly space: string;
  readonly epoch: HeadJson;
  readonly id: string;
  readonly member: string;
  readonly device: string;
  readonly n: number;
  readonly seen: HeadJson;
  readonly kind: number;
  readonly ref: string | null;
  readonly b: number;
  readonly time: number;
}

/** The cases of a file, taken to be of the shape that the README gives. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- each file has a shape of its own, stated where it is read
export function load<T>(file: string): readonly (T & { readonly about: string })[] {
  return (JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8')) as { cases: (T & { about: string })[] }).cases;
}

/** The cases of a file that must be refused. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as above
export function refusedIn<T>(file: string): readonly (T & { readonly about: string })[] {
  return (JSON.parse(readFileSync(new URL(`../../../vectors/${file}`, import.meta.url), 'utf8')) as { refused: (T & { about: string })[] }).refused;
}

export const b = fromHex;

export function headOf(json: HeadJson): Head {
  return { n: json.n, hash: b(json.hash) };
}

export function signedOf(json: SignedJson): Signed {
  return { body: b(json.body), signature: b(json.signature) };
}

export function linkOf(json: LinkJson): SignedLink {
  return { ...signedOf(json), cosignature: json.cosignature === null ? null : b(json.cosignature) };
}

export function signerOf(json: SignerJson): Signer {
  return { ...headOf(json), member: b(json.member), device: b(json.device) };
}

export function chainOfJson(json: ChainJson): Promise<MemberChain> {
  return verifyMemberChain(b(json.member), json.links.map(linkOf));
}

export async function chainsOfJson(json: readonly ChainJson[]): Promise<Chains> {
  const chains = new Map<string, MemberChain>();
  for (const one of json) chains.set(one.member, await chainOfJson(one));
  return (member) => chains.get(toHex(member));
}

/** The roster at its last link. */
export async function rosterOfJson(json: RosterJson, chains: Chains): Promise<Roster> {
  const last = (await verifyRoster(b(json.space), json.links.map(signedOf), chains)).at(-1);
  if (last === undefined) throw new Error('A roster has a link.');
  return last;
}

export function hexes(list: readonly Bytes[]): readonly string[] {
  return list.map(toHex);
}
