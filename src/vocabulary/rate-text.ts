/** Pictures per second as people read them, wherever they are written: one decimal below ten. */
export function rateDecimals(perSecond: number): number {
  return perSecond < 9.95 ? 1 : 0;
}
