import { connection } from '../connection.ts';
import { formatCount, formatDuration, formatList } from '../format.ts';
import { say, sayCode } from '../language.ts';
import { listTroubles, type Trouble } from '../live/list-troubles.ts';
import { status } from '../live/status.ts';
import { writeRoute } from '../route.ts';
import { sayStatement } from '../words/say-statement.ts';

/**
 * What is wrong at this moment, one line each, on every view. Nothing is drawn while all is well. A screen reader reads out a line once,
 * when it appears: a line that has not changed keeps its element.
 */
export function StatusStrip() {
  const troubles = listTroubles(connection.value === 'alive', status.value);
  return (
    // A list cannot be a live region itself.
    <div class="strip-region" aria-live="polite">
      {/* biome-ignore lint/a11y/noRedundantRoles: without its marks a browser takes a list for none */}
      <ul id="status" class="strip" role="list" aria-label={say('strip.title')}>
        {troubles.map((trouble) => {
          const text = describe(trouble);
          return (
            <li key={text} class={warnings.includes(trouble.kind) ? 'warn' : 'bad'}>
              {trouble.kind === 'unreachable' ? text : <a href={wayTo(trouble)}>{text}</a>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const warnings: readonly Trouble['kind'][] = ['intakePaused', 'backlog'];

/** The view that has the details. */
function wayTo({ kind }: Trouble): string {
  return writeRoute(kind === 'audit' ? 'audit' : 'now');
}

function describe(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'unreachable':
      return say('strip.unreachable');
    case 'store': {
      const names = formatList(trouble.names.map((name) => sayCode('store', name)));
      const why = trouble.why ? sayStatement(trouble.why) : '';
      return say('strip.store', { names, kind: sayCode('kind', trouble.storeKind), why });
    }
    case 'intakePaused':
      return say('strip.intakePaused');
    case 'audit':
      return say('strip.audit', { count: formatCount(trouble.exceptions) });
    case 'backlog': {
      // In whole minutes: a line that changes each second would be read out each second.
      const duration = formatDuration(Math.floor(trouble.waitedMs / 60_000) * 60_000);
      return say('strip.backlog', { where: sayCode('waiting', trouble.what), duration });
    }
  }
}
