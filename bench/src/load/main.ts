// A process of its own: the load must not share the event loop of the measuring process.
import type { LoadAnswer } from './load.ts';
import { type PostJob, type PostReport, postRequests } from './post-requests.ts';

const answer = (message: LoadAnswer<PostReport>) => process.send?.(message);

process.on('disconnect', () => process.exit(1)); // the bench has ended
process.on('message', (job: PostJob) => {
  postRequests(job).then(
    (report) => answer({ report }),
    (error) => answer({ failed: String(error) }),
  );
});
