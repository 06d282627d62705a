import { fileURLToPath } from 'node:url';

// Compiled files are in bench/dist/bench/src, because the schema generated from proto/ is compiled with them.
export const benchFolder = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[/\\]$/, '');
export const rootFolder = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/[/\\]$/, '');
