/** What a driver can be told to do. */
import type { ConversationType, HistoryPolicy, LifetimeClass, SpaceRole, TimelineItem } from '../../src/types';
import { codeOf } from '../../src/errors';
import { Host } from './host';
import { contents, setClock } from './world';

export interface Command {
  do: string;
  device: string;
  [argument: string]: unknown;
}

const hosts = new Map<string, Host>();

function hostOf({ device }: Command): Host {
  const host = hosts.get(device);
  if (!host) throw new Error(`There is no device ${device}.`);
  return host;
}

/** Rejects when the command's device is killed under it; nothing where there is no device yet, or a dead one. */
export function killed({ device }: Command): Promise<never>[] {
  const host = hosts.get(device);
  return host && !host.isDead ? [host.killed] : [];
}

const text = (command: Command, name: string): string => {
  const value = command[name];
  if (typeof value !== 'string') throw new Error(`${command.do} needs ${name}.`);
  return value;
};

/** A line of a conversation for the test: null for what is no message. */
function line({ key, seq, mine, body, state, error, sender }: TimelineItem): object | null {
  if (body.kind === 'notice') return null;
  return { key, seq, mine, state, error: error ?? null, sender: sender?.handle ?? null, ...(body.kind === 'text' ? { text: body.text } : { unreadable: body.reason }) };
}

export const commands: Record<string, (command: Command) => Promise<unknown>> = {
  clock: ({ offset }) => {
    setClock(Number(offset));
    return Promise.resolve();
  },

  // ---- life

  signUp: async (command) => {
    const host = open(command);
    await host.client.start();
    const pending = await host.client.prepareSignUp({
      fragment: text(command, 'fragment'), handle: text(command, 'handle'), displayName: text(command, 'name'), password: text(command, 'password'), deviceName: command.device,
    });
    await host.client.completeSignUp(pending);
    await host.until(isLevel(host));
    return pending.words;
  },
  /** A new device without keys. */
  signIn: async (command) => {
    const host = open(command);
    await host.client.start();
    await host.client.signIn({ handle: text(command, 'handle'), password: text(command, 'password') });
    return host.client.store.getState().phase;
  },
  restart: (command) => hostOf(command).restart(text(command, 'password')),
  stop: (command) => {
    hostOf(command).stop();
    return Promise.resolve();
  },
  kill: (command) => {
    hostOf(command).kill();
    return Promise.resolve();
  },
  state: (command) => {
    const { phase, connection, notice, syncing, me } = hostOf(command).client.store.getState();
    return Promise.resolve({ phase, connection, notice, syncing, me });
  },
  level: (command) => hostOf(command).until(isLevel(hostOf(command))),
  contents: (command) => contents(command.device),

  // ---- devices

  offer: async (command) => {
    const host = hostOf(command);
    const link = await host.client.devices.offer();
    host.link = link;
    link.done.catch(() => undefined);
    return { words: link.words, qr: link.qr };
  },
  linked: async (command) => {
    const host = hostOf(command);
    await host.link?.done;
    await host.until(isLevel(host));
  },
  answer: async (command) => {
    const { devices } = hostOf(command).client;
    await devices.answer(await devices.read(text(command, 'code')));
  },
  recover: async (command) => {
    const host = hostOf(command);
    await host.client.recovery.recover(command['words'] as string[]);
    await host.until(isLevel(host));
  },
  renewKey: async (command) => {
    const { recovery } = hostOf(command).client;
    const pending = await recovery.renew();
    await recovery.confirm(pending);
    return pending.words;
  },
  devices: (command) => hostOf(command).client.devices.list(),
  revoke: (command) => hostOf(command).client.devices.revoke(text(command, 'other')),

  // ---- conversations

  invite: async (command) => (await hostOf(command).client.createInvite(24)).url,
  create: async (command) => {
    const host = hostOf(command);
    const people = await Promise.all((command['people'] as string[]).map((handle) => host.person(handle)));
    const node = await host.client.createConversation({
      type: text(command, 'type') as ConversationType, people: people.map(({ id }) => id), title: text(command, 'title'),
      lifetime: command['lifetime'] as LifetimeClass, history: command['history'] as HistoryPolicy,
    });
    await host.until(() => node in host.client.store.getState().conversations);
    return host.client.store.getState().conversations[node]?.protocolId;
  },
  change: async (command) => {
    const host = hostOf(command);
    const { id } = host.conversation(text(command, 'space'));
    const person = await host.person(text(command, 'person'));
    const role = command['role'] as SpaceRole | undefined;
    switch (command['what']) {
      case 'add':
        return host.client.addPeople(id, [person.id], role);
      case 'remove':
        return host.client.removePerson(id, person.id);
      default:
        return host.client.changeRole(id, person.id, role ?? 'WRITER');
    }
  },
  leave: (command) => hostOf(command).client.leave(hostOf(command).conversation(text(command, 'space')).id),
  policy: (command) => {
    const host = hostOf(command);
    const policy = command['policy'] as { lifetime?: LifetimeClass; history?: HistoryPolicy };
    return host.client.policy.set(host.conversation(text(command, 'space')).id, policy);
  },
  send: async (command) => {
    const host = hostOf(command);
    const { id } = host.conversation(text(command, 'space'));
    for (const one of command['texts'] as string[]) await host.client.send(id, one);
  },
  /** The conversation as it is shown; all of it with `older`. */
  read: async (command) => {
    const host = hostOf(command);
    const found = host.find(text(command, 'space'));
    if (!found) return null;
    for (let page = 0; command['older'] === true && page < 500 && host.conversation(found.protocolId).hasOlder; page += 1) {
      try {
        await host.client.loadOlder(found.id);
      } catch (error) {
        // Whoever left keeps what is here and is shown nothing more.
        if (codeOf(error) !== 'NOT_FOUND' || host.conversation(found.protocolId).role !== null) throw error;
        break;
      }
    }
    const { items, alarm, role, hasOlder } = host.conversation(found.protocolId);
    return { alarm, role, hasOlder, lines: items.map(line).filter((one) => one !== null) };
  },
  open: (command) => hostOf(command).client.openConversation(hostOf(command).conversation(text(command, 'space')).id),
  conversations: (command) =>
    Promise.resolve(
      Object.values(hostOf(command).client.store.getState().conversations).map(({ protocolId, role, alarm, type, items }) => ({
        space: protocolId, role, alarm, type, unsent: items.filter(({ state }) => state === 'sending').length,
      })),
    ),
  /** Resolves when nothing waits to be sent in a conversation; what failed for good. */
  sent: async (command) => {
    const host = hostOf(command);
    const space = text(command, 'space');
    const isOver = () => host.client.store.getState().phase !== 'ready';
    await host.until(() => isOver() || !(host.find(space)?.items ?? []).some(({ state }) => state === 'sending'));
    if (isOver()) throw Object.assign(new Error('This device is no longer signed in.'), { code: 'CLOSED' });
    return (host.find(space)?.items ?? []).map(line).filter((one) => one !== null && 'state' in one && one.state === 'failed');
  },
};

function open(command: Command): Host {
  const host = new Host(command.device, text(command, 'origin'));
  hosts.set(command.device, host);
  return host;
}

const isLevel = (host: Host) => () => {
  const { phase, syncing, connection } = host.client.store.getState();
  return phase === 'ready' && !syncing && connection === 'online';
};
