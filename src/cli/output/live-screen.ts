const sequences = {
  open: '\x1b[?1049h\x1b[?25l',
  close: '\x1b[?25h\x1b[?1049l',
  home: '\x1b[H',
  endOfLine: '\x1b[K',
  endOfScreen: '\x1b[J',
};

/** Redraws the whole terminal. The caller has already made control characters in the lines visible. */
export const liveScreen = {
  open(): void {
    process.stdout.write(sequences.open);
  },

  /** Overwrites the previous screen in one write and clears only the rest, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => line + sequences.endOfLine).join('\n');
    process.stdout.write(`${sequences.home}${text}\n${sequences.endOfScreen}`);
  },

  /** Prints once, below the present output. */
  print(lines: readonly string[]): void {
    process.stdout.write(`${lines.join('\n')}\n`);
  },

  close(): void {
    process.stdout.write(sequences.close);
  },
};
