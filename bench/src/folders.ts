import { fileURLToPath } from 'node:url';

// Compiled files stand in bench/dist/bench/src: the schema generated from proto/ is compiled with them.
export const benchFolder = fileURLToPath(new URL('../../../', import.meta.url)).replace(/[/\\]$/, '');
export const rootFolder = fileURLToPath(new URL('../../../../', import.meta.url)).replace(/[/\\]$/, '');
