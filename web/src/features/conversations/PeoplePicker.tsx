import { Pill, Skeleton, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconCheck, IconSearch } from '@tabler/icons-react';
import { useId, useState, type KeyboardEvent } from 'react';
import { Link } from 'react-router';
import { useClient, useMe, type Person } from '../../circle';
import { Avatar, ErrorLine, useLoaded } from '../../ui';
import { VerifiedMark } from '../people';
import classes from './PeoplePicker.module.css';

interface PeoplePickerProps {
  chosen: Person[];
  onChange: (people: Person[]) => void;
  /** One person at most. */
  single?: boolean;
  /** Ids that cannot be chosen: who is in already. */
  without?: ReadonlySet<string>;
  autoFocus?: boolean;
}

const NONE: ReadonlySet<string> = new Set();
const WAIT = 150;

/** Search and choose people. Arrow keys move in the list, Enter chooses, Backspace takes back. */
export function PeoplePicker({ chosen, onChange, single = false, without = NONE, autoFocus = false }: PeoplePickerProps) {
  const client = useClient();
  const me = useMe();
  const listId = useId();
  const [search, setSearch] = useState('');
  const [wanted] = useDebouncedValue(search.trim(), WAIT);
  const [active, setActive] = useState(0);
  const found = useLoaded(wanted, () => client.searchPeople(wanted));
  const people = (found.value ?? []).filter((one) => one.id !== me?.id && !without.has(one.id));
  const isChosen = (person: Person) => chosen.some((one) => one.id === person.id);

  const toggle = (person: Person) => {
    if (isChosen(person)) onChange(chosen.filter((one) => one.id !== person.id));
    else onChange(single ? [person] : [...chosen, person]);
    if (!single) setSearch('');
  };
  const keys = (event: KeyboardEvent) => {
    const person = people[active];
    if (event.key === 'ArrowDown') setActive(Math.min(active + 1, people.length - 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(active - 1, 0));
    // Enter on the one person who is chosen already goes on to the form's button.
    else if (event.key === 'Enter' && person && !(single && isChosen(person))) toggle(person);
    else if (event.key === 'Backspace' && search === '' && chosen.length > 0) onChange(chosen.slice(0, -1));
    else return;
    event.preventDefault();
  };
  const option = (person: Person) => `${listId}-${person.id}`;
  const activePerson = people[active];

  return (
    <div className={classes.picker}>
      {chosen.length > 0 && !single && (
        <div className={classes.chosen} role="group" aria-label="Chosen people">
          {chosen.map((person) => (
            <Pill key={person.id} size="md" withRemoveButton onRemove={() => toggle(person)} removeButtonProps={{ 'aria-label': `Take ${person.displayName} off`, 'aria-hidden': false, tabIndex: 0 }}>
              {person.displayName}
            </Pill>
          ))}
        </div>
      )}
      <TextInput
        role="combobox"
        aria-label="Search people"
        aria-expanded="true"
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={activePerson ? option(activePerson) : undefined}
        placeholder="Search by name or handle"
        data-autofocus={autoFocus || undefined}
        leftSection={<IconSearch size={17} stroke={1.8} aria-hidden="true" />}
        value={search}
        onChange={(event) => {
          setSearch(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={keys}
      />
      <ul id={listId} className={classes.list} role="listbox" aria-label="People" aria-multiselectable={!single}>
        {people.map((person, index) => (
          // The keyboard speaks to the search field, which names the active option.
          <li
            key={person.id}
            id={option(person)}
            role="option"
            aria-selected={isChosen(person)}
            aria-label={`${person.displayName}, @${person.handle}${person.verified ? ', verified' : ''}`}
            className={classes.option}
            data-active={index === active}
            ref={index === active ? (element) => element?.scrollIntoView({ block: 'nearest' }) : null}
            onClick={() => toggle(person)}
            onPointerMove={() => setActive(index)}
          >
            <Avatar id={person.protocolId} name={person.displayName} size={38} />
            <span className={classes.names}>
              <span className={classes.nameLine}>
                <span className={classes.name}>{person.displayName}</span>
                {person.verified && <VerifiedMark size={15} />}
              </span>
              <span className={classes.handle}>@{person.handle}</span>
            </span>
            <span className={classes.check} data-on={isChosen(person)}>
              {isChosen(person) && <IconCheck size={14} stroke={3} />}
            </span>
          </li>
        ))}
      </ul>
      {found.loading && <PeopleSkeleton />}
      <ErrorLine onRetry={found.again}>{found.error}</ErrorLine>
      {found.value && people.length === 0 && (
        <p className={classes.none} role="status">
          {wanted === '' ? (
            <>
              There is nobody else to choose yet. <Link to="/invites">Invite people</Link>
            </>
          ) : (
            `Nobody found for “${wanted}”.`
          )}
        </p>
      )}
    </div>
  );
}

function PeopleSkeleton() {
  return (
    <div role="status" aria-label="Looking for people">
      {[0, 1, 2].map((index) => (
        <div key={index} className={classes.option}>
          <Skeleton circle height={38} />
          <span className={classes.names}>
            <Skeleton height={11} width="50%" mb={7} />
            <Skeleton height={9} width="30%" />
          </span>
        </div>
      ))}
    </div>
  );
}
