// A process of its own, so that it does not delay the clock of the load.
import { serveJobs } from '../load/serve-jobs.ts';
import { answerEvents } from './answer-events.ts';

serveJobs(answerEvents);
