// Writes sdk/vectors/typescript.json anew: `node test/protocol/emit.mjs` in sdk/typescript.
import { writeFileSync } from 'node:fs';
import { fileURLToPath, URL } from 'node:url';
import { runnerImport } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const { module } = await runnerImport(at('./emit.ts'), { root: at('../..'), configFile: false, logLevel: 'error' });
writeFileSync(at('../../../vectors/typescript.json'), `${JSON.stringify(await module.vectors(), null, 1)}\n`);
