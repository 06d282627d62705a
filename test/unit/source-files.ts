import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Import {
  /** As written. */
  from: string;
  /** Not loaded at run time: `import type`, or only `type` names. */
  typeOnly: boolean;
}

export interface SourceFile {
  /** Below src/. */
  path: string;
  text: string;
  imports: Import[];
}

const root = fileURLToPath(new URL('../../src/', import.meta.url));
const statement = /^\s*(?:import|export)\s+(type\s+)?([^'";()]*?)\s*from\s+['"]([^'"]+)['"]/gm;
const sideEffect = /^\s*import\s+['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export function readImports(text: string): Import[] {
  const code = text.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  return [
    ...[...code.matchAll(statement)].map(([, type, names = '', from = '']) => ({
      from,
      typeOnly: type !== undefined || isTypesOnly(names),
    })),
    ...[...code.matchAll(sideEffect)].map(([, from = '']) => ({ from, typeOnly: false })),
    ...[...code.matchAll(dynamic)].map(([, from = '']) => ({ from, typeOnly: false })),
  ];
}

/** `{ type A, type B }`, without a default or namespace import. */
function isTypesOnly(names: string): boolean {
  const [, inner] = /^\{([^}]*)\}$/.exec(names.trim()) ?? [];
  const each = inner?.split(',').map((name) => name.trim()) ?? [];
  const written = each.filter((name) => name !== '');
  return written.length > 0 && written.every((name) => name.startsWith('type '));
}

export function readSourceFiles(): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path: path.replaceAll('\\', '/'), text, imports: readImports(text) };
    });
}

/** A relative import as a path below src/; anything else (a package, node:) unchanged. */
export function resolveImport(file: string, from: string): string {
  return from.startsWith('.') ? relative('.', join(dirname(file), from)).replaceAll('\\', '/') : from;
}

/** `postgres/outbox.ts` → `postgres`; a file directly in src/ is a room of its own. */
export function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

export function isPackage(target: string): boolean {
  return !target.startsWith('node:') && !/\.(tsx?|json)$/.test(target);
}
