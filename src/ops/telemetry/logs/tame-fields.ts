import { showControlCharacters } from '../../../lib/show-control-characters.ts';

/**
 * Makes a log argument safe for a terminal. A message must stay on its line. JSON escapes line feeds in other
 * strings; a stack is printed as lines, so only its own frames keep their line feeds.
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

/** Keeps the colors and line feeds that pino-pretty writes. */
export function tameDrawn(text: string): string {
  const colorStart = '\x1b';
  return text
    .split(colorStart)
    .map((part) => showControlCharacters(part, { keepLines: true }))
    .join(colorStart);
}
