import { useMediaQuery } from '@mantine/hooks';

/** True where there is room for one pane only. The same width stands in the stylesheets. */
export function usePhone(): boolean {
  return useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
}
