import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const page = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const pages = ['index', 'graphiql'].filter((name) => existsSync(page(`${name}.html`)));

/** The development server hands the API on to a running Circle (`CIRCLE_URL`). */
const api = process.env['CIRCLE_URL'] ?? 'http://localhost:8000';

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    target: 'es2022',
    // data: addresses for fonts, scripts and styles would be refused by the Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: Object.fromEntries(pages.map((name) => [name, page(`${name}.html`)])),
      onLog: (level, log, report) => {
        // Libraries say 'use client' and 'use no memo' to tools that are not at work here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
  // Its imports end in `?worker`, which the dependency optimiser takes for file names.
  optimizeDeps: { exclude: ['@graphiql/react/setup-workers/vite'] },
  server: { proxy: { '/graphql': { target: api, ws: true } } },
});
