const SIDE = 256;
const QUALITY = 0.95;

/**
 * Cuts the middle square out of a picture file and shrinks it to 256 x 256; the client makes its final, smaller one of it.
 * Drawing it anew also drops place and camera data from the file.
 * Throws a sentence fit for a person when the file is no picture that this browser can read.
 */
export async function shrinkPicture(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) throw new PictureError('This file is not a picture that this browser can show.');
  const canvas = document.createElement('canvas');
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext('2d');
  const side = Math.min(bitmap.width, bitmap.height);
  if (context) context.imageSmoothingQuality = 'high';
  context?.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  const blob = context && (await encode(canvas));
  if (!blob) throw new PictureError('This browser cannot make pictures smaller.');
  return blob;
}

class PictureError extends Error {
  readonly code = 'PICTURE';
}

/** WebP where the browser can make it; browsers that cannot give PNG, so JPEG is asked for then. */
async function encode(canvas: HTMLCanvasElement): Promise<Blob | null> {
  const blob = await toBlob(canvas, 'image/webp');
  return blob?.type === 'image/webp' ? blob : toBlob(canvas, 'image/jpeg');
}

function toBlob(canvas: HTMLCanvasElement, type: string): Promise<Blob | null> {
  return new Promise((resolve) => {
    canvas.toBlob(resolve, type, QUALITY);
  });
}
