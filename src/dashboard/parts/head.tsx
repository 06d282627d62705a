import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { showControlCharacters } from '../../lib/show-control-characters.ts';
import { about } from '../about.ts';
import { say } from '../language.ts';
import { Failure } from './notice.tsx';

/** The title of a view, also that of the browser's tab, and what stands next to it. */
export function Head({
  title,
  trail,
  children,
}: {
  title: string;
  trail?: ComponentChildren;
  children?: ComponentChildren;
}) {
  const { name } = about.value;
  useEffect(() => {
    document.title = showControlCharacters(`${title} · Weir${name === '' ? '' : ` ${name}`}`);
  }, [title, name]);
  return (
    <>
      {trail && <p class="trail">{trail}</p>}
      <div class="head">
        <h1 tabIndex={-1}>{title}</h1>
        {children}
      </div>
    </>
  );
}

/**
 * A view that could not be loaded, and why, under the title that it would have had. The way on is to load the page again: a browser may
 * remember a module that did not come as one that never will.
 */
export function FailedView({ title, error }: { title: string; error: unknown }) {
  return (
    <>
      <Head title={title} />
      <Failure error={error} />
      <p class="buttons">
        <button type="button" id="reload" onClick={() => location.reload()}>
          {say('problem.reload')}
        </button>
      </p>
    </>
  );
}
