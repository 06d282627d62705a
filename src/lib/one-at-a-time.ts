/** Each call starts when the previous one has ended, successfully or not. */
export function oneAtATime<Args extends unknown[], T>(
  call: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const mine = last.then(() => call(...args));
    last = mine.catch(() => {});
    return mine;
  };
}
