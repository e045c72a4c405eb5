import { Button, Loader } from '@mantine/core';
import { IconAlertTriangleFilled } from '@tabler/icons-react';
import { useState } from 'react';
import { useClient, type Person } from '../../circle';
import { ErrorLine, QrScanner, useAction } from '../../ui';
import { firstName } from './model';
import classes from './People.module.css';

interface CompareProps {
  person: Person;
  /** The code fitted, and the person is marked as verified. */
  onFound: () => void;
  onCancel: () => void;
}

/** Reads the code from the other person's screen and compares it with what this device knows. */
export function Compare({ person, onFound, onCancel }: CompareProps) {
  const client = useClient();
  const name = firstName(person);
  const [scan, setScan] = useState<'looking' | 'read' | 'different'>('looking');
  const compare = useAction(async (code: string) => {
    if (await client.trust.compare(person.id, code)) onFound();
    else setScan('different');
  });
  const again = () => {
    compare.clear();
    setScan('looking');
  };
  return (
    <div className={classes.compare}>
      {scan === 'looking' && (
        <>
          <p>Ask {name} to open your profile in Circle and to hold the code in front of your camera.</p>
          <QrScanner
            target={`the code that ${name} shows you`}
            otherwise={`Compare the digits with ${name} instead`}
            onRead={(code) => {
              setScan('read');
              void compare.run(code);
              return true;
            }}
          />
        </>
      )}
      <div role="status">
        {compare.busy && (
          <span className={classes.checking}>
            <Loader size={15} /> Comparing…
          </span>
        )}
      </div>
      <div role="alert">{scan === 'different' && <Different name={name} />}</div>
      <ErrorLine>{compare.error}</ErrorLine>
      <div className={classes.actions}>
        <Button variant="default" size="sm" onClick={onCancel} data-autofocus>
          {scan === 'different' ? 'Back to the digits' : 'Cancel'}
        </Button>
        {(scan === 'different' || compare.error !== null) && (
          <Button size="sm" onClick={again}>
            Scan again
          </Button>
        )}
      </div>
    </div>
  );
}

function Different({ name }: { name: string }) {
  return (
    <div className={classes.warning} data-serious="true">
      <IconAlertTriangleFilled size={19} aria-hidden="true" />
      <div>
        <strong>The codes are not the same</strong>
        <p>
          Make sure that {name} has opened your profile, and not somebody else’s, and scan again. If they stay different, do not write anything confidential here: one of you
          may be talking to somebody else. Tell the person who runs your Circle.
        </p>
      </div>
    </div>
  );
}
