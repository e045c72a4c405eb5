import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The one accent. Shade 7 carries white text at 6.2:1, shade 6 at 4.8:1. */
const lagoon: MantineColorsTuple = [
  '#e6f5f5', '#cceaeb', '#9cd6d9', '#67c0c5', '#3ba9b0', '#1f959d', '#0f7e87', '#0b6a72', '#08565d', '#064349',
];

const gray: MantineColorsTuple = [
  '#f6f8f8', '#eef1f1', '#e3e8e8', '#d5dbdc', '#b6bfc1', '#8b969a', '#667276', '#4e595d', '#30393c', '#171c1e',
];

const dark: MantineColorsTuple = [
  '#eaeeee', '#c3cbcd', '#99a4a8', '#6f7b80', '#3a4448', '#2a3235', '#1d2325', '#131718', '#0d1011', '#080a0b',
];

const red: MantineColorsTuple = [
  '#fdeeee', '#fad9d9', '#f3b0b0', '#ee8585', '#e86161', '#e04848', '#cf3535', '#b62a2a', '#942222', '#701a1a',
];

const sans = "'Inter Variable', Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

export const theme = createTheme({
  primaryColor: 'lagoon',
  primaryShade: { light: 7, dark: 6 },
  colors: { lagoon, gray, dark, red },
  fontFamily: sans,
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'Roboto Mono', Menlo, monospace",
  headings: { fontFamily: sans, fontWeight: '640' },
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '10px', lg: '14px', xl: '20px' },
  respectReducedMotion: true,
  cursorType: 'pointer',
  focusRing: 'auto',
  components: {
    Button: { defaultProps: { size: 'md' }, styles: { root: { fontWeight: 560 } } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 40 } },
    InputWrapper: {
      styles: {
        label: { marginBottom: '5px', fontSize: '14.5px', fontWeight: 560 },
        description: { margin: '-2px 0 7px', fontSize: '13.5px' },
        error: { fontSize: '13.5px' },
      },
    },
    TextInput: { defaultProps: { size: 'md' } },
    PasswordInput: { defaultProps: { size: 'md' } },
    Modal: {
      defaultProps: { centered: true, radius: 'lg', padding: 'lg', overlayProps: { backgroundOpacity: 0.45, blur: 2 } },
      styles: { title: { fontSize: '17px', fontWeight: 640, letterSpacing: '-0.014em' }, content: { backgroundColor: 'var(--bg-raised)' }, header: { backgroundColor: 'var(--bg-raised)' } },
    },
    SegmentedControl: { styles: { label: { fontWeight: 540 } } },
    Menu: { defaultProps: { shadow: 'lg', radius: 'md', withinPortal: true } },
    Popover: { defaultProps: { shadow: 'lg', radius: 'lg', withinPortal: true } },
    Tooltip: { defaultProps: { openDelay: 400, radius: 'sm' } },
  },
});

/** Mantine's own variables follow the tokens of tokens.css, so that both speak one language. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--bg)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--text-2)',
    '--mantine-color-placeholder': 'var(--text-3)',
    '--mantine-color-default': 'var(--bg-field)',
    '--mantine-color-default-hover': 'var(--hover)',
    '--mantine-color-default-border': 'var(--line-button)',
    '--mantine-color-error': 'var(--danger)',
    '--mantine-color-anchor': 'var(--accent-text)',
  };
  return { variables: {}, light: shared, dark: shared };
};
