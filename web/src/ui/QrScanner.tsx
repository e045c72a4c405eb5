import { Loader } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { ErrorLine } from './ErrorLine';
import classes from './QrScanner.module.css';
import { openQrReader } from './qrReader';

interface QrScannerProps {
  /** Takes what was read; false where it is another kind of code, and reading goes on. */
  onRead: (text: string) => boolean;
  /** What the camera looks for, such as 'the code on your new device'. */
  target: string;
  /** What to do where there is no camera, to end the sentence 'There is no camera on this device.' */
  otherwise?: string;
}

const LOOK_EVERY = 160;

/** The camera's picture, looked at until a code is taken. The camera is off as soon as this is gone. */
export function QrScanner({ onRead, target, otherwise = 'Type instead' }: QrScannerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<{ name: 'opening' | 'looking' | 'other' } | { name: 'failed'; reason: string }>({ name: 'opening' });
  const latest = useRef(onRead);
  useEffect(() => {
    latest.current = onRead;
  });

  useEffect(() => {
    let over = false;
    let end = (): void => undefined;
    const isOver = () => over;
    const run = async (): Promise<void> => {
      const stream = await openCamera();
      end = () => stream.getTracks().forEach((track) => track.stop());
      const picture = video.current;
      if (isOver() || !picture) {
        end();
        return;
      }
      picture.srcObject = stream;
      await picture.play();
      const read = await openQrReader();
      setState({ name: 'looking' });
      while (!isOver()) {
        const text = await read(picture);
        if (text !== null && !isOver()) {
          if (latest.current(text)) break;
          setState({ name: 'other' });
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      }
      end();
    };
    run().catch((error: unknown) => {
      if (!isOver()) setState({ name: 'failed', reason: explain(error) });
    });
    return () => {
      over = true;
      end();
    };
  }, []);

  if (state.name === 'failed') return <ErrorLine>{`${state.reason} ${otherwise}.`}</ErrorLine>;
  return (
    <div className={classes.scanner}>
      {/* The picture of one's own camera has no sound, and nothing in it to caption. */}
      <video ref={video} className={classes.picture} muted playsInline aria-label="The camera’s picture" />
      <span className={classes.frame} aria-hidden="true" />
      <p className={classes.hint} role="status">
        {state.name === 'opening' && (
          <>
            <Loader size={14} color="#fff" /> Opening the camera…
          </>
        )}
        {state.name === 'looking' && `Point the camera at ${target}.`}
        {state.name === 'other' && `That is another kind of code. Look for ${target}.`}
      </p>
    </div>
  );
}

/** Whether this page can ask for a camera at all. */
export function hasCamera(): boolean {
  return 'mediaDevices' in navigator && 'getUserMedia' in navigator.mediaDevices;
}

async function openCamera(): Promise<MediaStream> {
  if (!hasCamera()) throw new DOMException('', 'NotSupportedError');
  return navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false });
}

function explain(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') return 'This browser does not let Circle use the camera. Allow it in the browser’s settings for this page and try again.';
  if (name === 'NotFoundError') return 'There is no camera on this device.';
  if (name === 'NotReadableError') return 'The camera is in use by another program. Close that one and try again.';
  return 'The camera cannot be used here.';
}
