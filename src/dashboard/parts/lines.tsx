import { showControlCharacters } from '../../lib/show-control-characters.ts';

/** What came from outside and has lines, such as JSON or a message: its line feeds stay, all other control characters are escapes. */
export function Lines({ text, label, id }: { text: string; label: string; id?: string }) {
  const show = (element: HTMLElement | null) => {
    if (element) element.textContent = showControlCharacters(text, { keepLines: true });
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <section class="lines" tabIndex={0} aria-label={label}>
      <pre id={id} ref={show} />
    </section>
  );
}
