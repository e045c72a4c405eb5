import { transferHandlers, type TransferHandler } from 'comlink';
import { asFailure, CircleFailure } from '../errors';

interface Carried {
  code: string;
  message: string;
  retryAfter: number | undefined;
  detail: string | undefined;
}

/** Makes failures cross the worker's border with their code; of anything unexpected only that it happened. */
export function carryFailures(): void {
  const usual = transferHandlers.get('throw');
  const handler: TransferHandler<{ value: unknown }, Carried> = {
    canHandle: (value): value is { value: unknown } => usual?.canHandle(value) ?? false,
    serialize: ({ value }) => {
      const { code, message, retryAfter, detail } = asFailure(value);
      return [{ code, message, retryAfter, detail }, []];
    },
    deserialize: ({ code, message, retryAfter, detail }) => {
      throw new CircleFailure(code, message, { ...(retryAfter === undefined ? {} : { retryAfter }), ...(detail === undefined ? {} : { detail }) });
    },
  };
  transferHandlers.set('throw', handler);
}
