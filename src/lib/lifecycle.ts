interface Resource {
  name: string;
  release: () => Promise<void> | void;
}

interface LifecycleOptions {
  /** How long closing one resource may take; after that it is reported and left open. */
  releaseDeadlineMs: number;
  onHang: (name: string) => void;
  onFailure: (name: string, error: unknown) => void;
}

/**
 * Closes what was opened, in reverse order. A release that hangs is reported and skipped; close() never
 * rejects.
 */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #stack: Resource[] = [];
  readonly #planned: (() => void)[] = [];

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  defer(name: string, release: () => Promise<void> | void): void {
    this.#stack.push({ name, release });
  }

  /** Registers a loop that starts at begin(). close() aborts its signal and waits for it. */
  plan(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    let running: Promise<void> | undefined;
    this.#planned.push(() => {
      running = run(stop.signal);
    });
    this.defer(name, () => {
      stop.abort();
      return running;
    });
  }

  /** Registers work that close() does last, if begin() was called. */
  planLast(name: string, finish: () => Promise<void>): void {
    let begun = false;
    this.#planned.push(() => {
      begun = true;
    });
    this.defer(name, () => (begun ? finish() : undefined));
  }

  begin(): void {
    for (const start of this.#planned) start();
  }

  async close(): Promise<void> {
    for (let resource = this.#stack.pop(); resource; resource = this.#stack.pop()) {
      await this.#release(resource);
    }
  }

  async #release({ name, release }: Resource): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#options.releaseDeadlineMs);
    });
    try {
      if ((await Promise.race([release(), deadline])) === 'late') this.#options.onHang(name);
    } catch (error) {
      this.#options.onFailure(name, error);
    } finally {
      clearTimeout(timer);
    }
  }
}
