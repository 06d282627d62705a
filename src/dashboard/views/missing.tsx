import { say } from '../language.ts';
import { Head } from '../parts/head.tsx';
import { writeRoute } from '../route.ts';

/** An address that no view has. */
export function Missing() {
  return (
    <>
      <Head title={say('missing.title')} />
      <p>{say('missing.text')}</p>
      <p>
        <a href={writeRoute('now')} id="to-now">
          {say('now.title')}
        </a>
      </p>
    </>
  );
}

export const show = () => Missing;
