// mercurius on fastify, compiled operations switched on (jit). `node mercurius.mjs PORT`
import fastify from 'fastify';
import mercurius from 'mercurius';
import { resolvers, typeDefs } from './schema.mjs';

const TOPIC = 'events';
const app = fastify();
await app.register(mercurius, {
  schema: typeDefs,
  resolvers: resolvers(
    (payload, { pubsub }) => pubsub.publish({ topic: TOPIC, payload }),
    ({ pubsub }) => pubsub.subscribe(TOPIC),
  ),
  jit: 1,
  subscription: { fullWsTransport: true },
});
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
