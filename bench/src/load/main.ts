// A process of its own: the load must not share the event loop of what measures it.
import { type PayJob, payOrders } from './pay-orders.ts';
import type { PayAnswer } from './payer.ts';

const answer = (message: PayAnswer) => process.send?.(message);

process.on('disconnect', () => process.exit(1)); // the bench is gone
process.on('message', (job: PayJob) => {
  payOrders(job).then(
    (report) => answer({ report }),
    (error) => answer({ failed: String(error) }),
  );
});
