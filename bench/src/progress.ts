const barWidth = 30;
const barEveryMs = 100;
const lineEveryMs = 5000;

/** Progress on stderr: a bar on a terminal, otherwise an occasional line. */
export interface Progress {
  say(line: string): void;
  tick(title: string, done: number, total: number): void;
}

export function createProgress(out: NodeJS.WriteStream): Progress {
  return out.isTTY ? createBar(out) : createLines(out);
}

function createBar(out: NodeJS.WriteStream): Progress {
  const clear = '\r\x1b[K';
  let drawnAt = 0;
  return {
    say: (line) => out.write(`${clear}${line}\n`),
    tick: (title, done, total) => {
      if (performance.now() - drawnAt < barEveryMs) return;
      drawnAt = performance.now();
      const filled = Math.round(barWidth * share(done, total));
      const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
      out.write(`${clear}  ${bar} ${title} ${percent(done, total)}`);
    },
  };
}

function createLines(out: NodeJS.WriteStream): Progress {
  let lastLineAt = performance.now();
  return {
    say: (line) => {
      lastLineAt = performance.now();
      out.write(`${line}\n`);
    },
    tick: (title, done, total) => {
      if (performance.now() - lastLineAt < lineEveryMs) return;
      lastLineAt = performance.now();
      out.write(`  ${title} ${percent(done, total)}\n`);
    },
  };
}

function share(done: number, total: number): number {
  return total === 0 ? 0 : Math.min(done / total, 1);
}

function percent(done: number, total: number): string {
  return `${Math.floor(100 * share(done, total))} %`;
}
