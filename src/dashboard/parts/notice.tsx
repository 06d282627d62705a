import { type Signal, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Problem, Unreachable } from '../api.ts';
import { language, say } from '../language.ts';
import { Advice, What } from './server-text.tsx';

/** What became of an action, where the action was. Read out once by a screen reader. */
export class Notice {
  readonly shown: Signal<{ tone: 'good' | 'warn' | 'bad'; content: ComponentChildren } | undefined> =
    signal(undefined);

  say(content: ComponentChildren): void {
    this.shown.value = { tone: 'good', content };
  }

  /** It was done only in part, or not yet. */
  warn(content: ComponentChildren): void {
    this.shown.value = { tone: 'warn', content };
  }

  /** The API's own words: what happened, and what to do about it. */
  fail(error: unknown): void {
    this.shown.value = { tone: 'bad', content: <Explained error={error} /> };
  }

  clear(): void {
    this.shown.value = undefined;
  }
}

export const useNotice = (): Notice => useMemo(() => new Notice(), []);

export function Noticed({ notice }: { notice: Notice }) {
  const { tone = '', content } = notice.shown.value ?? {};
  return (
    <div class={`notice ${tone}`} role="status">
      {content}
    </div>
  );
}

/** Why something could not be loaded; nothing while it could. */
export function Failure({ error }: { error: unknown }) {
  return (
    <div class={error === undefined ? 'notice' : 'notice bad'} role="status">
      {error !== undefined && <Explained error={error} />}
    </div>
  );
}

function Explained({ error }: { error: unknown }) {
  if (error instanceof Unreachable) return <p>{say('problem.unreachable')}</p>;
  if (!(error instanceof Problem)) {
    return <p>{say('problem.page', { what: error instanceof Error ? error.message : String(error) })}</p>;
  }
  const { code, message, advice } = error;
  return (
    <>
      <p>
        <strong>
          <What code={code} detail={message} />
        </strong>{' '}
        <code>{code}</code>
      </p>
      {/* In other languages the text of the code comes first, then the API's detail. */}
      {language.value !== 'en' && (
        <p class="soft" lang="en">
          {message}
        </p>
      )}
      {advice && (
        <p>
          <Advice code={code} advice={advice} />
        </p>
      )}
    </>
  );
}
