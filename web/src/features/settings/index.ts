export { Settings } from './Settings';
export { ShortcutHelp, useShortcutHelp } from './Shortcuts';
