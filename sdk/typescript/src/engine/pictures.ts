import { CircleFailure } from '../errors';
import type { Bytes } from '../bytes';

const SIDE = 128;
const LARGEST = 64 * 1024;
const KINDS = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

export interface Picture {
  bytes: Bytes;
  mediaType: string;
}

/**
 * A picture small enough to be sealed with a conversation's title: 128 x 128 where the browser can draw, otherwise the
 * file itself if it is small enough. Throws CircleFailure for anything that is no picture.
 */
export async function shrinkPicture(file: Blob): Promise<Picture> {
  const drawn = typeof OffscreenCanvas === 'undefined' ? null : await draw(file);
  const picture = drawn ?? file;
  if (!KINDS.has(picture.type)) throw new CircleFailure('PICTURE_UNKNOWN', 'This file is no picture that Circle can use.');
  if (picture.size > LARGEST) throw new CircleFailure('PICTURE_TOO_LARGE', 'This picture is too large. Please choose a smaller one.');
  return { bytes: new Uint8Array(await picture.arrayBuffer()), mediaType: picture.type };
}

/** A picture from another device as a data URL, or null when it is not of a kind that is safe to show. */
export function pictureUrl(bytes: Uint8Array | null, mediaType: string | null, toBase64: (bytes: Uint8Array) => string): string | null {
  if (!bytes || !mediaType || !KINDS.has(mediaType)) return null;
  return `data:${mediaType};base64,${toBase64(bytes)}`;
}

async function draw(file: Blob): Promise<Blob> {
  let image: ImageBitmap;
  try {
    image = await createImageBitmap(file);
  } catch {
    throw new CircleFailure('PICTURE_UNKNOWN', 'This file is no picture that Circle can use.');
  }
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  const side = Math.min(image.width, image.height);
  const [x, y] = [(image.width - side) / 2, (image.height - side) / 2];
  canvas.getContext('2d')?.drawImage(image, x, y, side, side, 0, 0, SIDE, SIDE);
  image.close();
  const webp = await canvas.convertToBlob({ type: 'image/webp', quality: 0.85 });
  return webp.type === 'image/webp' ? webp : canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}
