import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach, vi } from 'vitest';

// Appearing takes a moment longer where other work shares the machine.
configure({ asyncUtilTimeout: 20_000 });

// What jsdom lacks and the components ask for: layout, media queries and observers.
const WIDTH = 1280;
/** Panes are so high that the virtualisers draw every row of the samples. */
const PANE_HEIGHT = 4000;
const ROW_HEIGHT = 40;

const matchMedia = (query: string) => ({
  matches: /min-width/.test(query) || /reduce/.test(query),
  media: query,
  onchange: null,
  addEventListener: vi.fn(),
  removeEventListener: vi.fn(),
  dispatchEvent: () => false,
});
vi.stubGlobal('matchMedia', matchMedia);

class Observer {
  observe = vi.fn();
  unobserve = vi.fn();
  disconnect = vi.fn();
}
vi.stubGlobal('ResizeObserver', Observer);
vi.stubGlobal('IntersectionObserver', Observer);
function height(this: HTMLElement): number {
  return 'index' in this.dataset ? ROW_HEIGHT : PANE_HEIGHT;
}
for (const side of ['offset', 'client']) {
  Object.defineProperty(HTMLElement.prototype, `${side}Height`, { configurable: true, get: height });
  Object.defineProperty(HTMLElement.prototype, `${side}Width`, { configurable: true, get: () => WIDTH });
}
Blob.prototype.text = async function text(this: Blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(typeof reader.result === 'string' ? reader.result : '');
    reader.onerror = () => reject(new Error('The file could not be read.'));
    reader.readAsText(this);
  });
};
Element.prototype.scrollTo = vi.fn();
Element.prototype.scrollIntoView = vi.fn();
Object.defineProperty(document, 'fonts', { configurable: true, value: new EventTarget() });

afterEach(() => {
  cleanup();
  localStorage.clear();
});
