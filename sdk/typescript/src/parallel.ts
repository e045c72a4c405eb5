/** Runs a task for each, a few at a time; stops at the first that throws. */
export async function inParallel<T>(all: T[], atOnce: number, task: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await task(next);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
