import type { Static } from 'typebox';
import type { ActivityShape } from './activity-shapes.ts';
import type { AuditShape } from './audit-shapes.ts';
import type { KeyShape, ScopeText } from './key-shapes.ts';
import type { NowShape } from './now-shape.ts';
import type { ParkedDetailShape, ParkedShape, ReplaysShape } from './parked-shapes.ts';
import type { BoughtShape, ProgressShape } from './purchase-shapes.ts';
import type { SaleShape } from './sale-shapes.ts';
import type { SessionShape } from './session-shape.ts';
import type { InstanceShape, OrderShape, ProblemShape, ProductShape, TimelineShape } from './shapes.ts';
import type { SourcesShape, TrendShape } from './stats-shapes.ts';
import type { StandingShape, TicketShape } from './ticket-shapes.ts';

// What the API answers, as server, command line and page know it; each derives from the schema that the server answers with.

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export type Instance = Static<typeof InstanceShape>;
export type InstanceStatus = Instance['status'];
export type InstanceStory = Static<typeof TimelineShape>;
export type TimelineEntry = InstanceStory['timeline'][number];
export type Now = Static<typeof NowShape>;
export type NowSeries = Now['series'][number];
/** What is known of this moment while the database is unavailable. */
export type NowRest = Pick<Now, 'waiting' | 'stores'>;
export type Product = Static<typeof ProductShape>;
export type Order = Static<typeof OrderShape>;
export type Sale = Static<typeof SaleShape>;
export type Parked = Static<typeof ParkedShape>;
export type ParkedItem = Static<typeof ParkedDetailShape>;
/** Of a replay or a discard; `state` null: it could not be handled, and `code` says why. */
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
export type Ticket = Static<typeof TicketShape>;
export type TicketStanding = Static<typeof StandingShape>;
export type Bought = Static<typeof BoughtShape>;
export type PurchaseProgress = Static<typeof ProgressShape>;
export type Problem = Static<typeof ProblemShape>;
