/** Whether a person can see what is shown: always, where there is no page. */
export function isPageVisible(): boolean {
  return typeof document === 'undefined' || document.visibilityState === 'visible';
}
