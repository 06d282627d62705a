// A process of its own, so that other work of the bench does not delay its clock.
import { serveJobs } from '../load/serve-jobs.ts';
import { payOrders } from './pay-orders.ts';

serveJobs(payOrders);
