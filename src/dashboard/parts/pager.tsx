import { say } from '../language.ts';

interface PagerProps {
  first?: string | undefined;
  next?: string | undefined;
}

/** Cursors go one way: the way back is the first page, or the browser's back button. */
export function Pager({ first, next }: PagerProps) {
  if (first === undefined && next === undefined) return null;
  return (
    <nav class="pager" aria-label={say('pager.title')}>
      {first !== undefined && (
        <a href={first} class="button">
          {say('pager.first')}
        </a>
      )}
      {next !== undefined && (
        <a href={next} class="button" id="next-page">
          {say('pager.next')}
        </a>
      )}
    </nav>
  );
}
