import { showControlCharacters } from '../../../lib/show-control-characters.ts';

/**
 * A log argument as a terminal may show it. The message must not leave its line. Strings in objects are printed as JSON, which
 * escapes line feeds; only a stack is printed in lines, so of those just batches and the first one stay.
 */
export function tameFields(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return name === 'stack' ? joinForeignLines(value) : value;
  if (Array.isArray(value)) return value.map((item) => tameFields(item));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tameFields(inner, key)]));
}

function joinForeignLines(stack: string): string {
  return stack.replaceAll(/\r?\n(?!\s+at )/g, ' ');
}

/** What pino-pretty has drawn: its own colors and line feeds stay. */
export function tameDrawn(text: string): string {
  const colorStart = '\x1b';
  return text
    .split(colorStart)
    .map((part) => showControlCharacters(part, { keepLines: true }))
    .join(colorStart);
}
