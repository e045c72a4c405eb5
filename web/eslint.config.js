import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Features meet through their index.ts alone. */
const FEATURES = {
  regex: String.raw`(^|/)(identity|devices|conversations|messages|people|settings|palette)/(?!index$)[^/]+`,
  message: 'Import another feature through its index.ts.',
};
/** One door to the client: types, provider and hooks. */
const CLIENT = { group: ['@circle/client', '**/sdk/typescript/**'], message: 'Only src/circle/ imports the client.' };
/** Fixtures never reach the production bundle. */
const FIXTURES = { group: ['**/dev/*'], message: 'src/dev/ is for tests and the fixture page alone.' };

const restrict = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  reactHooks.configs.flat['recommended-latest'],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      eqeqeq: 'error',
      'no-console': 'error',
      // The virtualiser keeps its own state; nothing here is compiled by the React compiler.
      'react-hooks/incompatible-library': 'off',
    },
  },
  { files: ['src/**/*.{ts,tsx}'], rules: restrict(FEATURES, CLIENT, FIXTURES) },
  { files: ['src/circle/**'], rules: restrict(FEATURES, FIXTURES) },
  { files: ['src/**/*.test.{ts,tsx}', 'src/test/**', 'src/dev/**'], rules: restrict(CLIENT) },
  // The fake client fulfils an interface of promises with work that is done at once.
  { files: ['src/dev/**'], rules: { '@typescript-eslint/require-await': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
  { files: ['public/*.js'], languageOptions: { globals: { document: false, localStorage: false, matchMedia: false } } },
);
