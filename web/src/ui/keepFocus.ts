/** By then the window is out of the page, and has given the focus back if what opened it is still there. */
const SETTLED = 50;

/** For windows that may close after what opened them has gone: gives the keyboard a place in the page instead of nowhere. */
export function keepFocus(): void {
  setTimeout(() => {
    if (document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>('main[tabindex]')?.focus({ preventScroll: true });
  }, SETTLED);
}
