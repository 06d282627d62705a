interface Resource {
  name: string;
  release: () => Promise<void> | void;
}

export interface LifecycleOptions {
  /** How long one resource may take before it is named and left behind. */
  releaseDeadlineMs: number;
  onHang: (name: string) => void;
  onFailure: (name: string, error: unknown) => void;
}

/** What has been opened, closed in reverse. A release that hangs is named and passed over; close() never rejects. */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #stack: Resource[] = [];

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  defer(name: string, release: () => Promise<void> | void): void {
    this.#stack.push({ name, release });
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
