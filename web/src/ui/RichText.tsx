import { Fragment } from 'react';
import { linkify } from './linkify';

/** Text as it was written, with web addresses made clickable. Never HTML. */
export function RichText({ text }: { text: string }) {
  return linkify(text).map((piece, index) => (
    <Fragment key={index}>
      {piece.kind === 'text' ? (
        piece.text
      ) : (
        <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
          {piece.text}
        </a>
      )}
    </Fragment>
  ));
}
