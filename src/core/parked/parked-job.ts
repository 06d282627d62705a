import type { Actor } from '../actor.ts';
import type { ParkedFilter } from './parked-item.ts';

const jobActions = ['replay', 'discard'] as const;
export type JobAction = (typeof jobActions)[number];

const jobStates = ['RUNNING', 'DONE', 'ABORTED'] as const;
export type JobState = (typeof jobStates)[number];

/** A job acts on what is parked. */
export type JobFilter = Omit<ParkedFilter, 'state'>;

/** The request of an operator: one action on every parked item that the filter matches now. */
export interface NewParkedJob {
  action: JobAction;
  filter: JobFilter;
  /** Kept with the job; a discard records it with each item. */
  note: string | undefined;
}

export interface ParkedJob extends NewParkedJob {
  id: string;
  state: JobState;
  createdAt: Date;
  createdBy: string;
  /** undefined: not counted yet. */
  matched: number | undefined;
  /** Items that it resolved. */
  done: number;
  /** Items that stay parked, each with its reason in the results. */
  failed: number;
  endedAt: Date | undefined;
  /** Who aborted it. */
  endedBy: string | undefined;
}

/** An item that a job could not resolve. */
export interface FailedItem {
  id: string;
  code: string;
  params: Readonly<Record<string, string>>;
  detail: string;
}

/** The job on whose behalf an item is handled, and the lease under which that may be done. */
export interface JobLease {
  jobId: string;
  epoch: string;
}

/** The next step of a job, leased to this process. */
export interface JobStep extends NewParkedJob, JobLease {
  actor: Actor;
  createdAt: Date;
  /** Everything up to this item has been handled. */
  afterItem: string;
  lastItem: string;
  isCounted: boolean;
}

/** The job was aborted, or its lease has gone to another process: nothing was changed. */
export class JobStopped extends Error {
  constructor({ jobId }: JobLease) {
    super(`job ${jobId} was aborted or taken over`);
    this.name = 'JobStopped';
  }
}
