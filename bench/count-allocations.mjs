// Loaded into Weir by the part `cost`: between two garbage collections the heap grows by the allocated bytes.
import { writeFileSync } from 'node:fs';
import { GCProfiler, getHeapStatistics } from 'node:v8';

const file = process.env.WEIRBENCH_ALLOCATIONS_FILE;
if (file) {
  let allocated = 0;
  let usedAfterLast = getHeapStatistics().used_heap_size;
  let profiler = new GCProfiler();
  profiler.start();
  const write = () => {
    for (const { beforeGC, afterGC } of profiler.stop().statistics) {
      allocated += Math.max(0, beforeGC.heapStatistics.usedHeapSize - usedAfterLast);
      usedAfterLast = afterGC.heapStatistics.usedHeapSize;
    }
    const used = getHeapStatistics().used_heap_size;
    allocated += Math.max(0, used - usedAfterLast);
    usedAfterLast = used;
    profiler = new GCProfiler();
    profiler.start();
    writeFileSync(file, String(allocated));
  };
  setInterval(write, 500).unref();
  write();
}
