import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, Unreachable } from './api.ts';

interface Loaded<Data> {
  data: Data | undefined;
  /** Of the last attempt. */
  error: unknown;
  /** At once, for instance after a change. */
  reload: () => Promise<void>;
}

const askAgainMs = 1_000;

/**
 * Loads with the view and again when `inputs` change. `againMs`: after so many milliseconds once more, 0 and undefined never. What failed
 * because the server or a store of it is unavailable is tried again until it works; a hidden page waits.
 */
export function useLoad<Data>(
  load: (signal: AbortSignal) => Promise<Data>,
  inputs: readonly unknown[] = [],
  againMs: (data: Data) => number | undefined = () => 0,
): Loaded<Data> {
  const [state, setState] = useState<{ data?: Data | undefined; error?: unknown }>({});
  const tick = useRef<() => Promise<void>>(async () => {});
  const latest = useRef(againMs);
  latest.current = againMs;
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const plan = (ms: number | undefined) => {
      clearTimeout(timer);
      if (ms && !stop.signal.aborted) timer = setTimeout(() => (document.hidden ? plan(ms) : run()), ms);
    };
    const run = async () => {
      clearTimeout(timer);
      try {
        const data = await load(stop.signal);
        if (stop.signal.aborted) return;
        setState({ data });
        plan(latest.current(data));
      } catch (error) {
        if (stop.signal.aborted) return;
        setState(({ data }) => ({ data, error }));
        plan(willPass(error) ? askAgainMs : 0);
      }
    };
    tick.current = run;
    run();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, inputs);
  return { data: state.data, error: state.error, reload: () => tick.current() };
}

/** Unavailable, or asked too often. */
export function willPass(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Problem && [429, 503].includes(error.status));
}
