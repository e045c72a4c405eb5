import encodeQR from 'qr';
import { useMemo } from 'react';
import classes from './QrCode.module.css';

interface QrCodeProps {
  /** What a scanner reads. */
  text: string;
  /** What the code is for, to whoever does not see it. */
  label: string;
  size?: number;
}

/** Readers want so many light modules around a code. */
const QUIET = 4;

/** A QR code, dark on white in every theme, because not every reader takes the other way round. */
export function QrCode({ text, label, size = 208 }: QrCodeProps) {
  const { side, path } = useMemo(() => draw(text), [text]);
  return (
    <svg className={classes.code} role="img" aria-label={label} width={size} height={size} viewBox={`0 0 ${side} ${side}`} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#10191b" />
    </svg>
  );
}

function draw(text: string): { side: number; path: string } {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET });
  const squares = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { side: rows.length, path: squares.join('') };
}
