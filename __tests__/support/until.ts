/** Waits for what comes about by itself, as in servers that must find each other. */

/** @throws after 90 seconds, or `within` ms, naming what did not come about. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  within = 90_000,
): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`In vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
