/** The mark: an open ring with someone stepping in. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M27.21 13.41A11.5 11.5 0 1 1 14.60 4.59" fill="none" stroke="var(--accent-text)" strokeWidth="4.2" strokeLinecap="round" />
      <circle cx="22.60" cy="6.58" r="2.9" fill="var(--accent-text)" />
    </svg>
  );
}
