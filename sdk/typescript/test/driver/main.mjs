// Hosts clients for tests in other languages: `node test/driver/main.mjs` in sdk/typescript; see driver.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL, URL } from 'node:url';
import { build } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'circle-driver-'));
try {
  await build({
    root: at('../..'),
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: { ssr: at('./driver.ts'), outDir: folder, emptyOutDir: false, minify: false, rolldownOptions: { output: { entryFileNames: 'driver.mjs' } } },
  });
  const { serve } = await import(pathToFileURL(join(folder, 'driver.mjs')).href);
  await serve(process.stdin, process.stdout);
} finally {
  await rm(folder, { recursive: true });
}
process.exit(0);
