/** By then the window is out of the page, and has given the focus back if what opened it is still there. */
const SETTLED = 50;

/** For windows that may close after what opened them has gone: gives the keyboard a place in the page instead of nowhere. */
export function keepFocus(): void {
  const page = document; // this one: by the time it settles, a page that was left has no global document
  setTimeout(() => {
    if (page.activeElement !== page.body) return;
    page.querySelector<HTMLElement>('main[tabindex]')?.focus({ preventScroll: true });
  }, SETTLED);
}
