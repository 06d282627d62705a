// A process of its own: the load must not share the event loop of the measuring process.
import { postRequests } from './post-requests.ts';
import { serveJobs } from './serve-jobs.ts';

serveJobs(postRequests);
