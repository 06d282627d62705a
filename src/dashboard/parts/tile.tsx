interface TileProps {
  title: string;
  hint: string;
  /** undefined: unknown at this moment, and an older one is not shown in its place. */
  value: string | undefined;
  isBad?: boolean;
  /** The list behind the figure. */
  href?: string | undefined;
}

/** Characters, such as `100.0%`; a longer figure, such as `8 min 9 s`, is set smaller. */
const atFullSize = 7;

/** One figure with its name and what it is of; the figure has room for its widest value, so nothing moves. */
export function Tile({ title, hint, value, isBad = false, href }: TileProps) {
  return (
    <section class="tile" aria-label={title}>
      <p class="title">{href ? <a href={href}>{title}</a> : title}</p>
      <p
        class={['value', isBad && 'bad', value && value.length > atFullSize && 'small']
          .filter(Boolean)
          .join(' ')}
      >
        {value ?? '–'}
      </p>
      <p class="soft">{hint}</p>
    </section>
  );
}
