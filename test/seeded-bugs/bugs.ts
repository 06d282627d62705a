import { auditBugs } from './bugs/audit.ts';
import { compensationBugs } from './bugs/compensations.ts';
import { eventBugs } from './bugs/events.ts';
import { operatorBugs } from './bugs/operators.ts';
import { parkingBugs } from './bugs/parking.ts';
import { purchaseBugs } from './bugs/purchases.ts';

export interface SeededBug {
  name: string;
  /** One of DESIGN's promises, or another property that users rely on. */
  promise: string;
  /** Below src/; the text must occur in the TypeScript and in the built JavaScript alike. */
  file: string;
  find: string;
  replace: string;
  /** The suite that must turn red, and a part of the full title of the test in it that must fail. */
  suite: string;
  rule: string;
}

export const seededBugs: readonly SeededBug[] = [
  ...purchaseBugs,
  ...eventBugs,
  ...parkingBugs,
  ...compensationBugs,
  ...auditBugs,
  ...operatorBugs,
];
