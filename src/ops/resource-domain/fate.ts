/**
 * The behaviour of the simulated Resource Domain, in per cent of the instances; the rest succeeds in time.
 */
export interface Behaviour {
  /** Delay between the event and its answer. */
  delayMs: number;
  failPercent: number;
  /** Never answered. */
  silentPercent: number;
  /** Answered after lateMs instead. */
  latePercent: number;
  lateMs: number;
  /** Answered twice with the same result. */
  repeatPercent: number;
  /** Answered a second time with the opposite result. */
  contradictPercent: number;
}

export interface Fate {
  fails: boolean;
  isSilent: boolean;
  isLate: boolean;
  repeats: boolean;
  contradicts: boolean;
}

export const failure: Fate = {
  fails: true,
  isSilent: false,
  isLate: false,
  repeats: false,
  contradicts: false,
};

/** Decides by a hash of the message id: one draw for the answer, one for what follows it. */
export function decideFate(messageId: string, behaviour: Behaviour): Fate {
  const { failPercent, silentPercent, latePercent, repeatPercent, contradictPercent } = behaviour;
  const first = draw(`answer ${messageId}`);
  const second = draw(`second ${messageId}`);
  const isSilent = first < silentPercent;
  const isLate = !isSilent && first < silentPercent + latePercent;
  return {
    isSilent,
    isLate,
    fails: !isSilent && !isLate && first < silentPercent + latePercent + failPercent,
    repeats: second < repeatPercent,
    contradicts: second >= repeatPercent && second < repeatPercent + contradictPercent,
  };
}

/**
 * Returns a number from 0 to below 100. FNV-1a, 32 bits, with the finalizer of MurmurHash3, so that
 * consecutive ids are spread.
 */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) / 2 ** 32) * 100;
}
