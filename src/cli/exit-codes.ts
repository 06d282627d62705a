/** The exit codes of the program; `weir --help` lists them. */
export const exitCodes = {
  ok: 0,
  /** The attempt failed. */
  failed: 1,
  /** Wrong arguments or configuration. */
  usage: 2,
  /** A required server or store does not answer. */
  unreachable: 3,
  /** The requested object does not exist. */
  notFound: 4,
  /**
   * `doctor` found something that loses data or does not work; `audit` a sum that does not hold; `load`
   * broke a rule.
   */
  findings: 5,
  /** Ctrl-C ended `load` early; the usual code of shells. */
  interrupted: 130,
} as const;

/** Ends the program with one sentence and an exit code. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

export const exitCodeHelp = `
Exit codes:
  0  done                                3  a server or store does not answer
  1  tried and failed                    4  no such thing
  2  wrong arguments or configuration    5  doctor, audit or load found a problem
130  load was ended by Ctrl-C`;
