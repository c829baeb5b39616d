// The kernel's own figure for why a request of many adjoining pages would fail: too little memory, or memory in pieces.
// Pure; the free blocks come from buddyinfo.ts.

/**
 * In thousandths, index = order: towards 0 for want of memory, towards 1000 for fragmentation, -1000 where a request of
 * 2^order pages would succeed, 0 in a zone without free memory. Source: fill_contig_page_info() and
 * __fragmentation_index() of mm/vmstat.c, Linux 6.18, whose divisions drop the remainder too.
 */
export function fragmentationIndexes(freeBlocks: readonly number[]): number[] {
  const blockCount = freeBlocks.reduce((sum, blocks) => sum + blocks, 0);
  const pageCount = freeBlocks.reduce((sum, blocks, order) => sum + blocks * 2 ** order, 0);
  return freeBlocks.map((_, order) => {
    if (blockCount === 0) return 0;
    if (freeBlocks.slice(order).some((blocks) => blocks > 0)) return -1_000;
    const requests = Math.floor((pageCount * 1_000) / 2 ** order);
    return 1_000 - Math.floor((1_000 + requests) / blockCount);
  });
}
