import { Portal } from '@mantine/core';
import { Logo } from '../../ui';
import { madeOn } from './model';
import classes from './PrintedKey.module.css';

interface PrintedKeyProps {
  words: string[];
  handle: string;
  made: number;
}

/** What the printer gets in place of the page: one sheet that says whose key it is and what it is for. */
export function PrintedKey({ words, handle, made }: PrintedKeyProps) {
  return (
    <Portal className={classes.paper} reuseTargetNode={false}>
      <div aria-hidden="true">
        <header className={classes.header}>
          <Logo size={34} />
          <h1>Circle recovery key</h1>
        </header>
        <dl className={classes.facts}>
          <div>
            <dt>Account</dt>
            <dd>{handle === '' ? 'My account' : `@${handle}`}</dd>
          </div>
          <div>
            <dt>Circle</dt>
            <dd>{location.host}</dd>
          </div>
          <div>
            <dt>Made on</dt>
            <dd>{madeOn(made)}</dd>
          </div>
        </dl>
        <ol className={classes.words}>
          {words.map((word, index) => (
            <li key={index}>
              <span>{index + 1}</span>
              {word}
            </li>
          ))}
        </ol>
        <p>
          <strong>What it is for.</strong> If you lose your devices, these words bring back your account and your messages: sign in at {location.origin}, choose “Use your recovery key” and type
          them in this order.
        </p>
        <p>
          <strong>Keep it safe.</strong> Whoever has these words and your password can read everything that you can read. Keep this sheet where only you can find it. Nobody can make the words
          again for you. If you ever replace your recovery key, destroy this sheet.
        </p>
      </div>
    </Portal>
  );
}
