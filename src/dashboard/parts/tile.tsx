interface TileProps {
  title: string;
  hint: string;
  /** undefined: unknown at this moment, and an older one is not shown in its place. */
  value: string | undefined;
  isBad?: boolean;
  /** The list behind the figure. */
  href?: string | undefined;
}

/** One figure with its name and what it is of; the figure has room for its widest value, so nothing moves. */
export function Tile({ title, hint, value, isBad = false, href }: TileProps) {
  return (
    <section class="tile" aria-label={title}>
      <p class="title">{href ? <a href={href}>{title}</a> : title}</p>
      <p class={isBad ? 'value bad' : 'value'}>{value ?? '–'}</p>
      <p class="soft">{hint}</p>
    </section>
  );
}
