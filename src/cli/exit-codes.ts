/** What the shell gets; `weir --help` lists them. */
export const exitCodes = {
  ok: 0,
  /** It was tried and did not work. */
  failed: 1,
  /** Wrong arguments or configuration. */
  usage: 2,
  /** A server or store that is needed does not answer. */
  unreachable: 3,
  /** The thing asked for does not exist. */
  notFound: 4,
  /** `doctor` found something that loses data or does not work; `audit` a sum that does not hold; `load` broke a rule. */
  findings: 5,
  /** Ctrl-C ended `load` before it was done; as shells have it. */
  interrupted: 130,
} as const;

/** An end with one sentence for the person and a code for the shell. */
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
