import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The libraries behind the door: design.md section 6 lets only `src/crypto/` import them. */
const CRYPTO_LIBRARIES = {
  group: ['@hpke/*', 'cborg', 'cborg/*', '@scure/*', 'hash-wasm', '@noble/*', 'mlkem'],
  message: 'Only src/crypto/ imports cryptographic libraries; use src/crypto/index.ts.',
};

/** The protocol core is pure: no network, no storage, no view, nothing from the rooms above it. */
const ROOMS_ABOVE = {
  group: ['../*', 'react', 'react/*', 'comlink', 'idb', 'graphql', 'graphql-ws', 'zustand', 'zustand/*'],
  message: 'The protocol core has no I/O and knows nothing of the rooms above it.',
};

/** What runs in browsers and workers may not lean on Node. */
const NODE_MODULES = { regex: '^(node:.*|fs|path|crypto|buffer)$', message: 'src/ runs in browsers and web workers too.' };
const NODE_GLOBALS = ['Buffer', 'process', 'require', '__dirname', 'global'].map((name) => ({
  name,
  message: 'src/ runs in browsers and web workers too.',
}));

const restrict = (...patterns) => ['error', { patterns }];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'src/generated/', 'src/**/generated/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'eqeqeq': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...NODE_GLOBALS],
      'no-restricted-imports': restrict(CRYPTO_LIBRARIES, NODE_MODULES),
    },
  },
  { files: ['src/crypto/**/*.ts'], rules: { 'no-restricted-imports': restrict(NODE_MODULES) } },
  { files: ['src/crypto/protocol/**/*.ts'], rules: { 'no-restricted-imports': restrict(ROOMS_ABOVE, NODE_MODULES) } },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
);
