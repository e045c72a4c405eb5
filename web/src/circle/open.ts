/** The real client. Apart from the types, so that views and their tests do not load the engine. */
export { createCircleClient } from '@circle/client';
