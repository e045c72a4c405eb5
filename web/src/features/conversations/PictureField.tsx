import { ActionIcon, Button, FileButton } from '@mantine/core';
import { IconCamera, IconTrash } from '@tabler/icons-react';
import { useEffect, useMemo } from 'react';
import { Avatar, ErrorLine, shrinkPicture, useAction } from '../../ui';
import classes from './PictureField.module.css';

interface PictureFieldProps {
  id: string;
  name: string;
  /** A new picture, null for none, undefined for what is there already. */
  picture: Blob | null | undefined;
  current: string | null;
  onChange: (picture: Blob | null) => void;
}

/** Chooses the picture of a group or channel, already made small. */
export function PictureField({ id, name, picture, current, onChange }: PictureFieldProps) {
  const choose = useAction(async (file: File) => onChange(await shrinkPicture(file)));
  const url = useMemo(() => (picture ? URL.createObjectURL(picture) : null), [picture]);
  useEffect(() => {
    if (url === null) return;
    return () => URL.revokeObjectURL(url);
  }, [url]);
  const shown = picture === undefined ? current : url;

  return (
    <div className={classes.field}>
      <Avatar id={id} name={name} picture={shown} size={52} shape="square" />
      <div className={classes.buttons}>
        <FileButton accept="image/*" onChange={(file) => file && void choose.run(file)} inputProps={{ 'aria-label': 'Picture file' }}>
          {(props) => (
            <Button {...props} variant="default" size="sm" loading={choose.busy} leftSection={<IconCamera size={17} aria-hidden="true" />}>
              {shown === null ? 'Add a picture' : 'Change picture'}
            </Button>
          )}
        </FileButton>
        {shown !== null && (
          <ActionIcon aria-label="Remove the picture" onClick={() => onChange(null)}>
            <IconTrash size={18} stroke={1.7} />
          </ActionIcon>
        )}
      </div>
      {choose.error !== null && (
        <div className={classes.problem}>
          <ErrorLine>{choose.error}</ErrorLine>
        </div>
      )}
    </div>
  );
}
