const SIDE = 128;
const LIMIT = 64 * 1024;
const QUALITIES = [0.9, 0.75, 0.6];

/**
 * Cuts the middle square out of a picture file and shrinks it to 128 x 128, below 64 KiB.
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
  if (context === null) throw new PictureError('This browser cannot make pictures smaller.');
  const side = Math.min(bitmap.width, bitmap.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  for (const quality of QUALITIES) {
    const blob = await encode(canvas, quality);
    if (blob !== null && blob.size <= LIMIT) return blob;
  }
  throw new PictureError('This picture is too large.');
}

class PictureError extends Error {
  readonly code = 'PICTURE';
}

/** WebP where the browser can make it; browsers that cannot give PNG, so JPEG is asked for then. */
async function encode(canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> {
  const blob = await toBlob(canvas, 'image/webp', quality);
  return blob?.type === 'image/webp' ? blob : toBlob(canvas, 'image/jpeg', quality);
}

function toBlob(canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob | null> {
  return new Promise((resolve) => {
    canvas.toBlob(resolve, type, quality);
  });
}
