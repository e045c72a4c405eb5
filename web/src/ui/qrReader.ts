/** Reads the QR code of a camera's picture, by the browser's own reader where it has one. */
export type QrReader = (video: HTMLVideoElement) => string | null | Promise<string | null>;

/** What browsers with the Shape Detection API have; TypeScript's library does not know it yet. */
interface NativeDetector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface NativeDetectorClass {
  new (options: { formats: string[] }): NativeDetector;
  getSupportedFormats(): Promise<string[]>;
}

/** Larger pictures are drawn smaller: a code held before a camera fills much of it. */
const LONGEST_SIDE = 720;

export async function openQrReader(): Promise<QrReader> {
  return (await nativeReader()) ?? (await ownReader());
}

async function nativeReader(): Promise<QrReader | null> {
  const { BarcodeDetector } = globalThis as { BarcodeDetector?: NativeDetectorClass };
  if (!BarcodeDetector) return null;
  const formats = await BarcodeDetector.getSupportedFormats().catch((): string[] => []);
  if (!formats.includes('qr_code')) return null;
  const detector = new BarcodeDetector({ formats: ['qr_code'] });
  return async (video) => {
    // It rejects while the video has no picture yet.
    const found = await detector.detect(video).catch(() => []);
    return found[0]?.rawValue ?? null;
  };
}

async function ownReader(): Promise<QrReader> {
  const { decodeQR } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return (video) => {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (!context || width === 0 || height === 0) return null;
    canvas.width = width;
    canvas.height = height;
    context.drawImage(video, 0, 0, width, height);
    try {
      return decodeQR(context.getImageData(0, 0, width, height));
    } catch {
      // It throws where there is no code in the picture, which is nearly always.
      return null;
    }
  };
}
