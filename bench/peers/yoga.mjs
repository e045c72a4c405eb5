// graphql-yoga with graphql-ws on `ws`, as their own documentation puts them together. `node yoga.mjs PORT`
import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { resolvers, typeDefs } from './schema.mjs';

setMaxListeners(0); // a thousand subscribers are no leak
const pubSub = createPubSub();
const schema = createSchema({
  typeDefs,
  resolvers: resolvers(
    (event) => pubSub.publish('events', event),
    () => pubSub.subscribe('events'),
  ),
});
const yoga = createYoga({ schema, logging: false, graphiql: false });
const server = createServer(yoga);
const sockets = new WebSocketServer({ server, path: '/graphql', perMessageDeflate: false });
useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length ? errors : args;
    },
  },
  sockets,
);
server.listen(Number(process.argv[2]), '127.0.0.1');
