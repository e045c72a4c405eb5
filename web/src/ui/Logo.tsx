/** The mark: an open ring with someone stepping in. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M24.6 10.9A10.5 10.5 0 1 1 16 5.5" fill="none" stroke="var(--accent-text)" strokeWidth="3.6" strokeLinecap="round" />
      <circle cx="23.4" cy="5.9" r="2.9" fill="var(--accent-text)" />
    </svg>
  );
}
