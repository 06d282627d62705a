import type { Audit } from '../../api/answers.ts';
import { describeAdvice, describeInvariant, describeStatement } from '../../api/describe.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printTable } from '../output/table.ts';

export interface AuditOptions extends ApiOptions {
  json?: boolean;
  full?: boolean;
  /** A stream whose restart the operator accepts. */
  accept?: string;
}

/** Prints every sum and each exception. @returns the exit code for findings unless every sum holds */
export async function runAudit(options: AuditOptions): Promise<number> {
  const api = new Api(options);
  const audit = options.accept
    ? await api.post<Audit>('/v1/audit/accept', { stream: options.accept })
    : await api.get<Audit>(`/v1/audit${options.full ? '?full=true' : ''}`);
  if (options.json) printJson(audit);
  else printAudit(audit);
  return audit.ok ? exitCodes.ok : exitCodes.findings;
}

const holds = { style: 'green', text: '✓' } as const;
const isOff = { style: 'red', text: '✗' } as const;

function printAudit({ ok, sums, waiting, durationMs }: Audit): void {
  printTable(
    [
      '',
      'SUM',
      { title: 'EXPECTED', rank: 2 },
      { title: 'ACTUAL', rank: 1 },
      'DIFFERENCE',
      { title: 'INVARIANT', isProse: true },
    ],
    sums.map(({ name, expected, actual, difference, exceptions }) => [
      difference === 0 && exceptions.length === 0 ? holds : isOff,
      name,
      `${expected}`,
      `${actual}`,
      `${difference}`,
      describeInvariant(name),
    ]),
    { whole: true },
  );
  const underWay = Object.entries(waiting)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${toWords(what)}`);
  printLine();
  printLine(`Under way: ${underWay.join(', ') || 'nothing'}`);
  for (const { name, note } of sums) if (note) printLine(`${name}: ${describeStatement(note)}`);
  for (const { name, exceptions } of sums) {
    for (const exception of exceptions) {
      printLine(isOff, ` ${name}: ${exception.id}: ${describeStatement(exception)}`);
      printLine(`    → ${describeAdvice(exception)}`);
    }
  }
  printLine(ok ? `Every sum holds (${durationMs} ms).` : 'Not every sum holds: docs/monitoring.md#audit');
}

/** parkedItems → parked items */
function toWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
