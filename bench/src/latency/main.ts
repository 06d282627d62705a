// A process of its own, so that other work of the bench does not delay its clock.
import { followOrders, type LatencyJob } from './follow-orders.ts';

process.on('disconnect', () => process.exit(1)); // the bench has ended
process.on('message', (job: LatencyJob) => {
  followOrders(job).then(
    (report) => process.send?.({ report }),
    (error) => process.send?.({ failed: String(error) }),
  );
});
