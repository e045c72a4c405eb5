/** The web worker: secret keys live here and nowhere else; only the keeper's methods can be called. */
import { expose } from 'comlink';
import { carryFailures } from './failureCarrier';
import { LocalKeeper } from './machine/local';

carryFailures();
// Its own methods alone, without a prototype to climb.
expose(Object.freeze(Object.assign(Object.create(null) as object, new LocalKeeper())));
