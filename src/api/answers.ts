import type { Static } from 'typebox';
import type { AboutShape } from './about-shape.ts';
import type { ActivityShape } from './activity-shapes.ts';
import type { AuditShape } from './audit-shapes.ts';
import type { KeyShape, ScopeText } from './key-shapes.ts';
import type { NowShape } from './now-shape.ts';
import type { ListedOrderShape, OpenRefundShape, OrderStoryShape } from './order-shapes.ts';
import type { FailedItemShape, ParkedJobShape } from './parked-job-shapes.ts';
import type { ParkedDetailShape, ParkedGroups, ParkedShape, ReplaysShape } from './parked-shapes.ts';
import type { SaleShape } from './sale-shapes.ts';
import type { SessionShape } from './session-shape.ts';
import type { InstanceShape, ProblemShape, ProductShape, TimelineShape } from './shapes.ts';
import type { SourcesShape, TrendShape } from './stats-shapes.ts';

// What the API answers, as server, command line and page know it; each derives from the schema that the server answers with.

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
  /** With `total=true`, where counting is fast. */
  total?: Total;
}

/** `isExact` false: there are more than `count`. */
export interface Total {
  count: number;
  isExact: boolean;
}

export type Instance = Static<typeof InstanceShape>;
export type InstanceStatus = Instance['status'];
export type InstanceStory = Static<typeof TimelineShape>;
export type TimelineEntry = InstanceStory['timeline'][number];
export type Now = Static<typeof NowShape>;
/** What is known of this moment while the database is unavailable. */
export type NowRest = Pick<Now, 'waiting' | 'stores'>;
export type Product = Static<typeof ProductShape>;
export type Order = Static<typeof ListedOrderShape>;
export type OrderStory = Static<typeof OrderStoryShape>;
export type OpenRefund = Static<typeof OpenRefundShape>;
export type About = Static<typeof AboutShape>;
export type ParkedGroup = Static<typeof ParkedGroups>['items'][number];
export type Sale = Static<typeof SaleShape>;
export type Parked = Static<typeof ParkedShape>;
export type ParkedItem = Static<typeof ParkedDetailShape>;
export type ParkedJob = Static<typeof ParkedJobShape>;
/** An item that a job could not resolve. */
export type FailedItem = Static<typeof FailedItemShape>;
/** The answer to a replay or a discard; `state` null: it could not be handled, for the reason `code`. */
export type Replayed = Static<typeof ReplaysShape>['items'][number];
export type SourceCount = Static<typeof SourcesShape>['items'][number];
export type Trend = Static<typeof TrendShape>;
export type TrendRow = Trend['items'][number];
export type Activity = Static<typeof ActivityShape>;
export type Audit = Static<typeof AuditShape>;
export type AuditSum = Audit['sums'][number];
export type TrendStep = Trend['step'];
export type Scope = Static<typeof ScopeText>;
export type Key = Static<typeof KeyShape>;
export type Session = Static<typeof SessionShape>;
export type Problem = Static<typeof ProblemShape>;
