import { styleText } from 'node:util';
import type { AuditSum } from '../audit/audit.ts';
import { Api, type ApiOptions } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { printJson, printTable } from './table.ts';

interface AuditAnswer {
  ok: boolean;
  auditedAt: string;
  lastedMs: number;
  sums: AuditSum[];
  waiting: Record<string, number>;
}

export interface AuditOptions extends ApiOptions {
  json?: boolean;
  full?: boolean;
  /** A stream whose new beginning the operator has taken note of. */
  accept?: string;
}

/** Every sum, each exception, and the code for findings unless all hold. */
export async function runAudit(options: AuditOptions): Promise<number> {
  const api = new Api(options);
  const audit = options.accept
    ? await api.post<AuditAnswer>('/v1/audit/accept', { stream: options.accept })
    : await api.get<AuditAnswer>(`/v1/audit${options.full ? '?full=true' : ''}`);
  if (options.json) printJson(audit);
  else printAudit(audit);
  return audit.ok ? exitCodes.ok : exitCodes.findings;
}

function printAudit({ ok, sums, waiting, lastedMs }: AuditAnswer): void {
  printTable(
    ['', 'SUM', 'EXPECTED', 'ACTUAL', 'DIFFERENCE', 'LAW'],
    sums.map(({ name, law, expected, actual, difference, exceptions }) => [
      difference === 0 && exceptions.length === 0 ? styleText('green', '✓') : styleText('red', '✗'),
      name,
      `${expected}`,
      `${actual}`,
      `${difference}`,
      law,
    ]),
  );
  const underWay = Object.entries(waiting)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${toWords(what)}`);
  process.stdout.write(`\nUnder way: ${underWay.join(', ') || 'nothing'}\n`);
  for (const { name, note } of sums) if (note) process.stdout.write(`${name}: ${note}\n`);
  for (const { name, exceptions } of sums) {
    for (const { id, what, advice } of exceptions) {
      process.stdout.write(`${styleText('red', '✗')} ${name}: ${id}: ${what}\n    → ${advice}\n`);
    }
  }
  process.stdout.write(
    ok ? `Every sum holds (${lastedMs} ms).\n` : 'Not every sum holds: docs/operating.md#audit\n',
  );
}

/** giveBacks → give backs */
function toWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
