import type { Activity, FailedItem, Instance, OpenRefund, Order, Parked } from '../../api/answers.ts';
import type { ListSource } from './export-rows.ts';

// The columns of the CSV files, in order. New ones come at the end: programs may count them.

type Export<Item> = Omit<ListSource<Item>, 'read' | 'count'>;

export const instanceExport: Export<Instance> = {
  name: 'instances',
  columns: [
    ...['instanceId', 'productId', 'userId', 'source', 'sourceId', 'scope', 'status', 'reason'],
    ...['createdAt', 'updatedAt'],
  ],
  toRow: (instance) => instance,
};

export const orderExport: Export<Order> = {
  name: 'orders',
  columns: [
    ...['id', 'productId', 'userId', 'status', 'amountCents', 'createdAt', 'updatedAt', 'paidAt'],
    ...['expiresAt', 'instanceId'],
  ],
  toRow: (order) => order,
};

export const refundExport: Export<OpenRefund> = {
  name: 'refunds',
  columns: [
    ...['id', 'orderId', 'isOrderKnown', 'paymentId', 'amountCents', 'productId', 'userId', 'instanceId'],
    ...['reason', 'requests', 'requestedAt'],
  ],
  toRow: (refund) => refund,
};

export const parkedExport: Export<Parked> = {
  name: 'parked',
  columns: [
    ...['id', 'origin', 'reason', 'detail', 'params', 'source', 'scope', 'sourceId', 'parkedAt', 'state'],
    ...['attempts', 'resolvedAt', 'resolvedBy', 'resolution', 'resolutionParams', 'instanceId', 'jobId'],
  ],
  toRow: ({ resolution, ...item }) => ({
    ...item,
    ...{ resolution: resolution?.code, resolutionParams: resolution?.params },
  }),
};

export const failedItemExport: Export<FailedItem> = {
  name: 'parked-job-results',
  columns: ['id', 'code', 'params', 'detail'],
  toRow: (item) => item,
};

export const activityExport: Export<Activity> = {
  name: 'activity',
  columns: [
    ...['id', 'at', 'actor', 'keyId', 'via', 'action', 'subjectKind', 'subjectId', 'before', 'after'],
    'requestId',
  ],
  toRow: ({ subject, ...record }) => ({ ...record, subjectKind: subject.kind, subjectId: subject.id }),
};
