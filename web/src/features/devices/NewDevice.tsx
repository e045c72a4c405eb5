import { Button, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconDevices, IconKey, type Icon } from '@tabler/icons-react';
import { useState } from 'react';
import { useMe } from '../../circle';
import { ErrorLine } from '../../ui';
import { FrontPage, useSignOut } from '../identity';
import { LinkThis } from './LinkThis';
import classes from './NewDevice.module.css';
import { Recover } from './Recover';
import { Reset } from './Reset';

type Way = 'choose' | 'link' | 'recover' | 'reset';

/** Signed in, but this browser holds no keys yet: the ways to bring them here. */
export function NewDevice() {
  const [way, setWay] = useState<Way>('choose');
  const back = () => setWay('choose');
  if (way === 'link') return <LinkThis onBack={back} />;
  if (way === 'recover') return <Recover onBack={back} />;
  if (way === 'reset') return <Reset onBack={back} />;
  return <Choose onChoose={setWay} />;
}

function Choose({ onChoose }: { onChoose: (way: Way) => void }) {
  const me = useMe();
  const signOut = useSignOut();
  return (
    <FrontPage
      title="Your messages are not on this browser yet"
      lead={`Your password was right${me ? `, ${me.displayName.split(' ')[0] ?? ''}` : ''}. But it opens no messages: the keys to them are on your own devices alone, not on the server. How do you want to bring them here?`}
    >
      <ul className={classes.ways}>
        <Choice icon={IconDevices} title="Link with a device you have" onClick={() => onChoose('link')}>
          Scan a code or type twelve words there. The easiest way.
        </Choice>
        <Choice icon={IconKey} title="Use your recovery key" onClick={() => onChoose('recover')}>
          The 24 words that you saved when you joined, or made since.
        </Choice>
      </ul>
      <ErrorLine>{signOut.error}</ErrorLine>
      <div className={classes.small}>
        <Button variant="subtle" size="sm" onClick={() => onChoose('reset')}>
          I have lost everything
        </Button>
        <Button variant="subtle" size="sm" color="gray" loading={signOut.busy} onClick={() => void signOut.run()}>
          Sign out
        </Button>
      </div>
    </FrontPage>
  );
}

interface ChoiceProps {
  icon: Icon;
  title: string;
  children: string;
  onClick: () => void;
}

function Choice({ icon: ChoiceIcon, title, children, onClick }: ChoiceProps) {
  return (
    <li>
      <UnstyledButton className={classes.choice} onClick={onClick}>
        <span className={classes.icon} aria-hidden="true">
          <ChoiceIcon size={24} stroke={1.7} />
        </span>
        <span className={classes.text}>
          <strong>{title}</strong>
          <span>{children}</span>
        </span>
        <IconChevronRight size={18} stroke={1.8} aria-hidden="true" className={classes.chevron} />
      </UnstyledButton>
    </li>
  );
}
