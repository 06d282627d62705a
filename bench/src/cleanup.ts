interface Release {
  readonly what: string;
  readonly run: () => Promise<unknown>;
}

/** What must be removed at the end: measurements push, the end pops, latest first. */
export class Cleanup {
  readonly #releases: Release[] = [];

  /** `what`: the name needed to remove it by hand. */
  add(what: string, run: () => Promise<unknown>): void {
    this.#releases.push({ what, run });
  }

  mark(): number {
    return this.#releases.length;
  }

  /** Removes everything added since `mark`. @returns what could not be removed, and why */
  async unwind(mark = 0): Promise<string[]> {
    const leftBehind: string[] = [];
    while (this.#releases.length > mark) {
      const release = this.#releases.pop();
      if (release === undefined) break;
      try {
        await withDeadline(release.run(), 15_000);
      } catch (error) {
        leftBehind.push(`${release.what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return leftBehind;
  }
}

async function withDeadline(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
