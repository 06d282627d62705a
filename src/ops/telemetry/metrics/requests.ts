import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBuckets, type Measures } from './measures.ts';

/** Other methods, which Node parses but no route has, share one label value. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export function measureRequests(registry: Registry): Measures {
  const registers = [registry];
  const duration = new Histogram({
    name: 'weir_http_request_duration_seconds',
    help: 'Time from the head of a request to the start of its response, by route as in /openapi.json; "unmatched" when there is none.',
    labelNames: ['method', 'route', 'status_class'],
    buckets: durationBuckets,
    registers,
  });
  const problems = new Counter({
    name: 'weir_http_problems_total',
    help: 'Problem responses by code (docs/http-api.md): refusals of the caller and failures of Weir.',
    labelNames: ['code'],
    registers,
  });
  const rejected = new Counter({
    name: 'weir_http_rejected_credentials_total',
    help: 'Wrong operator keys and wrong webhook signatures, by kind: key or signature.',
    labelNames: ['kind'],
    registers,
  });
  // Hashing three labels costs more than the observation itself.
  const series = new Map<string, { observe(seconds: number): void }>();
  const byCode = new Map<string, { inc(): void }>();
  return {
    'credential rejected': ({ kind }) => rejected.inc({ kind }),
    'request answered'({ method, route, status, problem, durationMs }) {
      const status_class = `${Math.floor(status / 100)}xx`;
      const key = `${method} ${route} ${status_class}`;
      let observer = series.get(key);
      if (!observer) {
        const known = methods.has(method) ? method : '_OTHER';
        observer = duration.labels({ method: known, route, status_class });
        series.set(key, observer);
      }
      observer.observe(durationMs / 1000);
      if (problem === undefined) return;
      let counter = byCode.get(problem);
      if (!counter) {
        counter = problems.labels({ code: problem });
        byCode.set(problem, counter);
      }
      counter.inc();
    },
  };
}
