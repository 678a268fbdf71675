/** Waits for something that happens by itself, such as servers finding each other. */

/** @throws after 90 seconds, or `within` ms, naming what did not happen. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  within = 90_000,
): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
