/** The part of the keeper's door that has to do with how far everybody has read (docs/decisions/0112). */
import type { MadeMarker, MarkerBytes, MarkerScope, Needs, SpaceChange, Tells } from './machine/wire';

export interface ReadingKeeper {
  /** Everything that this device has of the conversation has been seen. */
  markRead(space: string): Promise<SpaceChange>;
  needsOfMarkers(markers: MarkerBytes[]): Promise<Needs>;
  /**
   * Takes the higher numbers of each, and keeps the cursor that brought them in the same transaction. `isAfresh`: they
   * were asked for, and are not from the stream. Those of conversations that are not known here are passed by.
   */
  applyMarkers(markers: MarkerBytes[], cursor: string | null, isAfresh?: boolean): Promise<SpaceChange[]>;
  /** What the server is to be told (`SpaceView.untold`), sealed; null where there is nothing. Throws NO_KEY. */
  makeMarker(space: string, scope: MarkerScope, tells: Tells): Promise<MadeMarker | null>;
  /** The server has taken it as this version. */
  markerTold(space: string, made: MadeMarker, version: number): Promise<SpaceChange>;
}
