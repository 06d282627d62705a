import { signal } from '@preact/signals';

/** What the server says of itself; empty until it has. */
export const about = signal({ name: '', version: '', traceUrl: null as string | null });

/** Each name has a colour of its own, so that one environment is never taken for another. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360;
  return hash;
}

/** The mark of the page in that colour. */
export function drawIcon(name: string): string {
  const water = `hsl(${hueOf(name)} 70% 45%)`;
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">' +
    `<path d="M2 6h8v12H2zM13 14h9v4h-9z" fill="${water}"/><path d="M10 3h3v18h-3z" fill="gray"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
