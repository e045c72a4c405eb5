/** What the views know of the client, gathered in one place. */
export type * from '@circle/client';
