// Sets the theme before the first picture, so that no light page flashes at night.
// A file of its own: the Content-Security-Policy allows no script inside the page.
try {
  const stored = localStorage.getItem('circle.theme');
  const dark = stored === 'dark' || (stored !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.mantineColorScheme = dark ? 'dark' : 'light';
} catch {
  // A browser that stores nothing follows the system, by the stylesheet.
}
