// A sleep that can be cut short, again and again, without a listener left behind each time.
// Who wakes it, and why, is main.ts's.

export interface Pause {
  /** Resolves after `ms`, or when woken; at once when that was since the last wait. */
  wait(ms: number): Promise<void>;
  wake(): void;
}

export function createPause(): Pause {
  let end: (() => void) | null = null;
  let isWoken = false;
  return {
    async wait(ms) {
      if (!isWoken) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          end = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      end = null;
      isWoken = false;
    },
    wake() {
      isWoken = true;
      end?.();
    },
  };
}
