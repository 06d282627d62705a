// A process of its own: whatever else the bench does must not delay its clock.
import { followOrders, type LatencyJob } from './follow-orders.ts';

process.on('disconnect', () => process.exit(1)); // the bench is gone
process.on('message', (job: LatencyJob) => {
  followOrders(job).then(
    (report) => process.send?.({ report }),
    (error) => process.send?.({ failed: String(error) }),
  );
});
