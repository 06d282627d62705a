const usualMs = 5_000;

/** amqplib never settles a pending request when the connection ends at the wrong moment. */
export async function withAnswerDeadline<T>(answer: Promise<T>, deadlineMs = usualMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateAnswerError(deadlineMs)), deadlineMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class LateAnswerError extends Error {
  constructor(deadlineMs: number) {
    super(`the broker did not answer within ${deadlineMs} ms`);
    this.name = 'LateAnswerError';
  }
}
