// Waiting that has an end. What is waited for goes on; whoever waits does not.

/** Resolves when `work` has, or after `ms`, whichever comes first; rejects as `work` does. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, enough]);
  } finally {
    clearTimeout(timer);
  }
}
