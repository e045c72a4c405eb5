// The part of Circle's schema that is measured, over a store in memory: what is sent is kept, numbered and published.

export const typeDefs = /* GraphQL */ `
  scalar Base64Bytes
  scalar Cursor
  scalar DateTime
  input SendMessageInput { envelope: Base64Bytes! }
  type EnvelopeEvent { seq: Int! item: Base64Bytes! acceptedAt: DateTime! envelope: Base64Bytes }
  interface UserError { message: String! path: [String!]! code: String! }
  type InputError implements UserError { message: String! path: [String!]! code: String! }
  type RateLimitedError implements UserError { message: String! path: [String!]! code: String! retryAfter: Int! }
  type EpochDueError implements UserError { message: String! path: [String!]! code: String! reason: String! }
  type SendMessagePayload { event: EnvelopeEvent errors: [UserError!]! }
  type EventDelivery { cursor: Cursor! event: EnvelopeEvent! }
  type CaughtUp { cursor: Cursor! }
  union StreamItem = EventDelivery | CaughtUp
  type Query { ping: Boolean! }
  type Mutation { sendMessage(input: SendMessageInput!): SendMessagePayload! }
  type Subscription { events(after: Cursor): StreamItem! }
`;

const CURSOR = 'c'.repeat(80);
const ITEM = Buffer.alloc(32).toString('base64');

// `publish` tells subscribers; `follow` is an async iterable of what is published.
export function resolvers(publish, follow) {
  const log = [];
  return {
    Query: { ping: () => true },
    Mutation: {
      async sendMessage(_root, { input }, context) {
        const event = { seq: log.length + 1, item: ITEM, acceptedAt: new Date().toISOString(), envelope: input.envelope };
        log.push(event);
        await publish({ events: { __typename: 'EventDelivery', cursor: CURSOR, event } }, context);
        return { event, errors: [] };
      },
    },
    Subscription: {
      events: {
        async *subscribe(_root, _input, context) {
          const live = await follow(context);
          yield { events: { __typename: 'CaughtUp', cursor: CURSOR } };
          yield* live;
        },
      },
    },
  };
}
