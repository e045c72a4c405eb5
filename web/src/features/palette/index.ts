export { Palette } from './Palette';
export { usePalette } from './model';
