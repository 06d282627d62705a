// What the audit states; api/sentences.ts has a sentence and an advice for each code.

export type AuditFinding =
  | {
      code: 'ENTRIES_MISSING' | 'ENTRIES_SURPLUS';
      params: { added: string; rows: string; parked: string; waiting: string };
    }
  | { code: 'STREAM_RESTARTED'; params: { at: string } }
  | { code: 'STREAM_RESTARTED_WITH_LOSS'; params: { at: string; lost: string } }
  | TooManyInstances
  | { code: 'UNITS_MISSING'; params: { sold: string; instances: string; parked: string; waiting: string } }
  | { code: 'UNITS_LOST'; params: { lost: string; at: string } }
  | { code: 'ENTRY_LOST'; params: { entryId: string; userId: string } }
  | { code: 'STOCK_DIFFERS'; params: { stock: string; sold: string; remaining: string; restocked: string } }
  | { code: 'RESTOCKS_LOST' | 'RESTOCKS_SURPLUS'; params: { returned: string; done: string; owed: string } }
  | { code: RowFinding; params: Record<never, string> };

/** More instances of a sale than its stock, or than the limit of a user. */
export type TooManyInstances =
  | { code: 'INSTANCES_OVER_STOCK'; params: { instances: string; stock: string } }
  | { code: 'INSTANCES_OVER_LIMIT'; params: { userId: string; instances: string; limit: string } };

/** Findings about rows that contradict each other. */
export type RowFinding =
  | 'ORDER_WITHOUT_INSTANCE'
  | 'ORDER_NOT_PAID'
  | 'REFUND_MISSING'
  | 'REFUND_UNFOUNDED'
  | 'RESTOCK_MISSING'
  | 'COMPENSATION_MISSING'
  | 'RESULT_MISSING'
  | 'ROWS_CHANGED';

/** What a sum does not cover. */
export type AuditNote = { code: 'STREAMS_NOT_COUNTED'; params: { streams: string } };
