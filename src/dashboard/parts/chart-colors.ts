const fixed = ['SECKILL', 'ORDER', 'ACTIVITY'];
const given = new Map(fixed.map((name, i) => [name, i]));
const colors = 6;
const names = ['soft', 'line', 'color-bad', ...Array.from({ length: colors }, (_, i) => `color-${i}`)];
const dark = matchMedia('(prefers-color-scheme: dark)');

type Palette = Record<string, string>;

/** A source keeps its color while the page is open, in every chart. */
export function colorOf(name: string, isBad = false): string {
  if (isBad) return 'color-bad';
  const index = given.get(name) ?? given.size;
  given.set(name, index);
  return `color-${index % colors}`;
}

let palette: Palette | undefined;

/** The style sheet's colours, resolved: a canvas knows no custom properties. Read again when the scheme changes. */
export function resolveColor(name: string): string {
  palette ??= resolve();
  return palette[name] ?? '';
}

export function watchScheme(onChange: () => void): () => void {
  dark.addEventListener('change', onChange);
  return () => dark.removeEventListener('change', onChange);
}

dark.addEventListener('change', () => {
  palette = undefined;
});

function resolve(): Palette {
  const probe = document.createElement('span');
  document.body.append(probe);
  const read = (name: string) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  };
  const resolved = Object.fromEntries(names.map(read));
  probe.remove();
  return resolved;
}
