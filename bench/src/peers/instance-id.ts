// 2025-01-01, so that the peers' ids have as many digits as Weir's.
const epochMs = 1_735_689_600_000;

let lastMs = 0;
let sequence = 0n;

/** A snowflake of one process with a well-behaved clock: all that a peer needs. */
export function nextInstanceId(): bigint {
  const now = Math.max(Date.now(), lastMs);
  sequence = now === lastMs ? sequence + 1n : 0n;
  lastMs = sequence > 4095n ? now + 1 : now;
  if (sequence > 4095n) sequence = 0n;
  return (BigInt(lastMs - epochMs) << 22n) | sequence;
}
